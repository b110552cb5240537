"""One request through to its service and back: bodies as they come, writes held for the index, streams cut in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from libs.shared.errors import Busy, Fault, TooLarge
from libs.shared.http.identity import TOLD
from services.gateway.clients.services import Going
from services.gateway.domain.changes import NAMES
from services.gateway.domain.headers import answered_on, asked_on
from services.gateway.rest.admission import identity, told, traced
from services.gateway.rest.sockets import is_upgrade, pass_socket
from services.gateway.rest.streaming import pump, stay_open
from services.gateway.rest.visit import Visit

CREATE = "create"
SMALL = 64 << 10
"""Bodies of this many bytes or fewer are read whole, so that their digest can be signed."""


class Upload:
    """A request's body on its way: counted, never longer than its route accepts, never later than it may be."""

    def __init__(self, request: web.Request, most: int, seconds: float) -> None:
        self._request = request
        self._most = most
        self._seconds = seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self.fault: Fault | None = None

    async def __call__(self) -> AsyncIterator[bytes]:
        """The body's pieces as they come; raises `TooLarge`, and `Busy` when it takes too long."""
        count = 0
        while chunk := await self._piece():
            count += len(chunk)
            if count > self._most:
                self.fault = too_large(self._most)
                raise self.fault
            yield chunk

    async def whole(self, length: int) -> bytes:
        """A small body; raises `Busy` when it takes too long."""
        return await self._in_time(self._request.content.readexactly(length))

    async def _piece(self) -> bytes:
        return await self._in_time(self._request.content.readany())

    async def _in_time(self, read: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout_at(self._until):
                return await read
        except TimeoutError:
            text = f"the body has not come within {self._seconds:g} s"
            self.fault = Busy("body-slow", text, retry_after=1)
            raise self.fault from None


def too_large(most: int) -> TooLarge:
    """The refusal of a body."""
    return TooLarge("body", f"the body is larger than the {most} bytes that are accepted here")


async def pass_on(asked: Visit) -> web.StreamResponse:
    """Forward a request that may pass. Raises `TooLarge`, and `Busy` when its service can't be reached."""
    known = told(asked)
    if is_upgrade(asked.request):
        return await pass_socket(asked, known)
    going, upload = await _going(asked, known)
    try:
        async with asked.parts.behind.services.open(going) as answer:
            if happened := answer.headers.get(TOLD):  # whatever the method: signing out is a GET
                await _hold(asked, happened)
            return await _answered(asked, answer, known)
    except Busy as fault:
        if upload is not None and upload.fault is not None:
            raise upload.fault from fault
        if asked.response is None or not asked.response.prepared:
            raise
        return _torn(asked, asked.response)


async def _going(asked: Visit, known: Mapping[str, Any]) -> tuple[Going, Upload | None]:
    request, entry = asked.request, asked.route
    length = request.content_length
    if length is not None and length > entry.max_body:
        raise too_large(entry.max_body)
    upload: Upload | None = None
    body: Any = None
    if request.can_read_body:
        upload = Upload(request, entry.max_body, asked.parts.settings.timeout)
        body = upload
        if length is not None and length <= SMALL:
            body = await upload.whole(length)
            asked.making = body if asked.asked.verb == CREATE else b""
    return Going(
        service=entry.service,
        method=request.method,
        target=asked.target,
        headers=[*asked_on(request.headers.items()), *traced()],
        identity=identity(asked, known),
        body=body,
        seconds=None if entry.streams else asked.parts.settings.timeout,
    ), upload


async def _hold(asked: Visit, header: str) -> None:
    """Wait until the index has taken in what the write told, so that the caller's next request is decided by it."""
    pairs = (item.strip().partition("=") for item in header.split(","))
    wanted = [event_id for name, _, event_id in pairs if name in NAMES and event_id]
    if wanted:
        seen = await asked.parts.memory.told.wait(wanted, asked.parts.settings.hold)
        asked.parts.journal.held.labels("yes" if seen else "no").inc()


async def _answered(asked: Visit, answer: ClientResponse, known: Mapping[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=CIMultiDict(answered_on(answer.headers.items()))
    )
    asked.response = response
    if asked.route.streams:
        return await stay_open(asked, answer, response, known)
    await response.prepare(asked.request)
    await pump(answer, response)
    return response


def _torn(asked: Visit, response: web.StreamResponse) -> web.StreamResponse:
    """The service broke off in the middle: close the connection, so that nobody takes the piece for the whole."""
    if asked.request.transport is not None:
        asked.request.transport.close()
    return response
