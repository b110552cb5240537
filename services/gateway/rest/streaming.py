"""What stays open: registered by user and session, watched, and cut when the caller may no longer have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol

import orjson
from aiohttp import ClientResponse, web

from services.gateway.domain.streams import Stream
from services.gateway.rest.admission import again
from services.gateway.rest.visit import Visit

LOOK_EVERY = 1.0
"""Seconds between two looks at whether the client is still there: an idle stream writes nothing that would fail."""
EVENT_STREAM = "text/event-stream"
WHOLE = frozenset({"Content-Length", "Content-Encoding"})
"""Headers of a body to which nothing can be added."""
FAREWELL = 0.5
"""Seconds that a client may take for the last event."""

Cut = asyncio.Future[str]


@asynccontextmanager
async def registered(asked: Visit, known: Mapping[str, Any]) -> AsyncIterator[Cut]:
    """A stream's place in the registry: the future is done, with a reason, when the stream is to end."""
    cut: Cut = asyncio.get_running_loop().create_future()

    def end(reason: str) -> None:
        if not cut.done():
            cut.set_result(reason)

    streams, journal = asked.parts.memory.streams, asked.parts.journal
    stream = Stream(asked.caller, known, partial(again, asked), end)
    streams.open(stream)
    journal.streams.set(len(streams))
    try:
        yield cut
    finally:
        streams.close(stream)
        journal.streams.set(len(streams))
        if cut.done():
            journal.cuts.labels(cut.result()).inc()


async def stay_open(
    asked: Visit, answer: ClientResponse, response: web.StreamResponse, known: Mapping[str, Any]
) -> web.StreamResponse:
    """Send on what comes until the service ends it, the client is gone, or it is cut: a stream of events then says so
    in a last one. Recorded as it begins.
    """
    async with registered(asked, known) as cut:
        await response.prepare(asked.request)
        asked.record(response.status)
        sent = Sent()
        await until(pump(answer, response, sent), cut, asked.request)
        if cut.done() and sent.between_events and not any(name in response.headers for name in WHOLE):
            await _farewell(response, cut.result())
    return response


class Noting(Protocol):
    """Is told what was sent on."""

    def note(self, chunk: bytes) -> None:
        """It has been sent on."""
        ...


class Sent:
    """How what was sent on ends."""

    def __init__(self) -> None:
        self._last = b""

    def note(self, chunk: bytes) -> None:
        """It has been sent on."""
        self._last = (self._last + chunk[-4:])[-4:]

    @property
    def between_events(self) -> bool:
        """Whether an event that is sent now is taken for one, not for the rest of another (HTML, 9.2.5)."""
        return not self._last or self._last.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))


async def pump(answer: ClientResponse, response: web.StreamResponse, sent: Noting | None = None) -> None:
    """The body, piece by piece, each sent on at once."""
    async for chunk in answer.content.iter_any():
        if sent is not None:
            sent.note(chunk)
        await response.write(chunk)


async def _farewell(response: web.StreamResponse, reason: str) -> None:
    """The last event, for a client that takes it soon."""
    if response.content_type != EVENT_STREAM:
        return
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(FAREWELL):
            await response.write(b"event: cut\ndata: " + orjson.dumps({"reason": reason}) + b"\n\n")


async def until(work: Any, cut: Cut, request: web.Request) -> None:
    """Run `work` until it ends, or the stream is cut, or the client is gone; a client that is gone is no error."""
    task = asyncio.ensure_future(work)
    try:
        while not (task.done() or cut.done() or _gone(request)):
            await asyncio.wait({task, cut}, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            with suppress(ConnectionError):
                task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
