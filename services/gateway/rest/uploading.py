"""A request's body on its way: bounded, and never later than it may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

from aiohttp import web

from libs.shared.errors import Busy, Fault, TooLarge
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

    async def small(self) -> bytes | None:
        """The whole body where it says that it is small; raises `Busy` when it takes too long."""
        length = self._request.content_length
        if length is None or length > SMALL:
            return None
        return await self._in_time(self._request.content.readexactly(length))

    async def whole(self) -> bytes:
        """The whole body; raises as its pieces do."""
        return b"".join([piece async for piece in self()])

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

    async def body(self, asked: Visit) -> bytes | None:
        """`small`, kept for the record of what is made."""
        found = await self.small()
        if found is not None and asked.asked.verb == CREATE:
            asked.making = found
        return found


def too_large(most: int) -> TooLarge:
    """The refusal of a body."""
    return TooLarge("body", f"the body is larger than the {most} bytes that are accepted here")


def uploaded(asked: Visit) -> Upload | None:
    """The request's body, if it has one. Raises `TooLarge` for one that says so itself."""
    length = asked.request.content_length
    if length is not None and length > asked.route.max_body:
        raise too_large(asked.route.max_body)
    if not asked.request.can_read_body:
        return None
    return Upload(asked.request, asked.route.max_body, asked.parts.settings.timeout)
