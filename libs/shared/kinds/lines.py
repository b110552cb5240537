"""The wire of a watch: JSON lines over chunked HTTP, or a text frame an event over a WebSocket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import orjson
from aiohttp import WSMsgType, web

from libs.shared.kinds.kind import JsonObject

PATIENCE = 30.0
"""Seconds that a reader may take to make room for what is sent to him."""
FAREWELL = 2.0
"""Seconds in which a reader who was too slow may still take the line that says so."""
HEARTBEAT = 30.0
"""Seconds between signs of life: WebSocket pings, TCP keep-alive probes."""
_TICK = 0.05
CHUNK = 64 << 10
"""Bytes gathered into one write; a larger event is a write of its own."""


class Lines(Protocol):
    """An open watch."""

    @property
    def response(self) -> web.StreamResponse:
        """What the handler answers with."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the reader has left."""
        ...

    async def put(self, events: Sequence[bytes]) -> None:
        """Write these, each of them JSON, and wait until there is room for more."""
        ...


class Chunked:
    """JSON lines over chunked HTTP."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self._request = request
        self.response = response

    @property
    def gone(self) -> bool:
        """Whether the connection is lost."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def put(self, events: Sequence[bytes]) -> None:
        """One line an event."""
        await self.response.write(b"".join(event + b"\n" for event in events))


class Framed:
    """Text frames over a WebSocket."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self._socket = response
        self.response = response

    @property
    def gone(self) -> bool:
        """Whether the socket is closed, by either side."""
        return self._socket.closed

    async def put(self, events: Sequence[bytes]) -> None:
        """One frame an event."""
        for event in events:
            await self._socket.send_str(event.decode())


@asynccontextmanager
async def opened(request: web.Request) -> AsyncGenerator[Lines, None]:
    """The wire that the request asks for, closed in the end."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        framed = web.WebSocketResponse(heartbeat=HEARTBEAT)
        await framed.prepare(request)
        listening = asyncio.create_task(_listen(framed), name="watch: read what the client of a WebSocket says")
        try:
            yield Framed(framed)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await framed.close()
        return
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    _probe(request)
    yield Chunked(request, response)


async def send(lines: Lines, events: Sequence[JsonObject], request: web.Request) -> bool:
    """Send these; False when the reader has left, or was too slow and has been cut with an ERROR line."""
    try:
        for chunk in _chunks(events):
            async with asyncio.timeout(PATIENCE):
                await lines.put(chunk)
    except TimeoutError:
        await cut(lines, request)
        return False
    except ConnectionError:
        return False
    return not lines.gone


def _chunks(events: Sequence[JsonObject]) -> Iterator[list[bytes]]:
    """The events as JSON, gathered up to `CHUNK` bytes."""
    chunk: list[bytes] = []
    size = 0
    for event in events:
        chunk.append(orjson.dumps(event))
        size += len(chunk[-1])
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


async def cut(lines: Lines, request: web.Request) -> None:
    """End a watch whose reader doesn't read: the ERROR line goes behind what he hasn't taken yet."""
    text = f"the watch was read too slowly: nothing was taken for {PATIENCE:.0f} s; list again and watch from there"
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(FAREWELL):
            await lines.put([orjson.dumps(failed(429, "TooManyRequests", text))])
    await flush(request, FAREWELL)


async def flush(request: web.Request, seconds: float) -> None:
    """Wait until all that was sent is on its way; a connection that doesn't take it in time is dropped, so that nothing
    is kept for its reader.
    """
    transport = request.transport
    if transport is None:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while transport.get_write_buffer_size() > 0:  # noqa: ASYNC110  # a transport tells of its buffer only when asked
                await asyncio.sleep(_TICK)
            return
    transport.abort()


def failed(code: int, reason: str, message: str) -> JsonObject:
    """The line that ends a watch with an error: a Status."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {"type": "ERROR", "object": status | {"message": message, "reason": reason, "code": code}}


async def _listen(framed: web.WebSocketResponse) -> None:
    """A client of a watch has nothing to say, but closing and pongs are only seen by reading."""
    async for message in framed:
        if message.type in (WSMsgType.CLOSE, WSMsgType.ERROR):
            return


def _probe(request: web.Request) -> None:
    """Let the kernel notice a peer that is dead without a word (a quiet watch sends nothing by itself)."""
    transport = request.transport
    peer: socket.socket | None = transport.get_extra_info("socket") if transport else None
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for option, value in (("TCP_KEEPIDLE", HEARTBEAT), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), int(value))
