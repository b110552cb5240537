"""One request through to its service and back: bodies as they come, writes held for the index, streams cut in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from libs.shared.errors import Busy
from libs.shared.http.identity import TOLD
from services.gateway.clients.services import Going
from services.gateway.domain.changes import NAMES
from services.gateway.domain.headers import answered_on, asked_on
from services.gateway.rest.admission import identity, told, traced
from services.gateway.rest.sockets import is_upgrade, pass_socket
from services.gateway.rest.streaming import Noting, pump, stay_open
from services.gateway.rest.uploading import Upload, uploaded
from services.gateway.rest.visit import Visit


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
            return await answered(asked, answer, known)
    except Busy as fault:
        return broken_off(asked, upload, fault)


async def _going(asked: Visit, known: Mapping[str, Any]) -> tuple[Going, Upload | None]:
    request, entry, upload = asked.request, asked.route, uploaded(asked)
    small = await upload.body(asked) if upload else None
    return Going(
        service=entry.service,
        method=request.method,
        target=asked.target,
        headers=[*asked_on(request.headers.items()), *traced()],
        identity=identity(asked, known),
        body=upload if small is None else small,
        seconds=None if entry.streams else asked.parts.settings.timeout,
    ), upload


async def _hold(asked: Visit, header: str) -> None:
    """Wait until the index has taken in what the write told, so that the caller's next request is decided by it."""
    pairs = (item.strip().partition("=") for item in header.split(","))
    wanted = [event_id for name, _, event_id in pairs if name in NAMES and event_id]
    if wanted:
        seen = await asked.parts.memory.told.wait(wanted, asked.parts.settings.hold)
        asked.parts.journal.held.labels("yes" if seen else "no").inc()


async def answered(
    asked: Visit, answer: ClientResponse, known: Mapping[str, Any], noting: Noting | None = None
) -> web.StreamResponse:
    """Send the answer on as it comes; what lasts until it ends or is cut."""
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=CIMultiDict(answered_on(answer.headers.items()))
    )
    asked.response = response
    if asked.route.streams:
        return await stay_open(asked, answer, response, known)
    await response.prepare(asked.request)
    await pump(answer, response, noting)
    return response


def broken_off(asked: Visit, upload: Upload | None, fault: Busy) -> web.StreamResponse:
    """Whoever was asked did not answer to the end. Raises the upload's own fault, or this one, as long as nothing was
    sent on; in the middle it closes the connection, so that nobody takes the piece for the whole.
    """
    if upload is not None and upload.fault is not None:
        raise upload.fault from fault
    if asked.response is None or not asked.response.prepared:
        raise fault
    if asked.request.transport is not None:
        asked.request.transport.close()
    return asked.response
