"""One accepted connection, between its transport and aiohttp: how long it has kept us waiting, and for what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import cast

from libs.shared.http.limits import Limits

TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Cut(StrEnum):
    """Why a connection was refused or ended from here."""

    FULL = "full"
    ADDRESS = "address"
    HANDSHAKE = "handshake"
    HEAD = "head"
    STALL = "stall"


class Connection(asyncio.Protocol):
    """Hands everything on to the protocol inside, and notes since when a head is awaited, the client takes nothing, or
    the end is not finished. It costs no timer: whoever owns it looks at `overdue` from time to time.
    """

    def __init__(self, inner: asyncio.Protocol, now: Callable[[], float], lost: Callable[[Connection], None]) -> None:
        self._inner = inner
        self._now = now
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._running = 0
        self._begun = False
        """Whether anything of the awaited head has come."""
        self._head: float | None = None
        self._stalled: float | None = None
        self._closing: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A head is awaited from now on."""
        self._transport = cast("asyncio.Transport", transport)  # streams have no other; uvloop's are of no such class
        self._head = self._now()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """A head begins, or goes on, unless a request is being answered."""
        if not self._running:
            self._begun = True
            self._head = self._head or self._now()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """As the protocol inside wants it."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """More waits for the client than is buffered."""
        self._stalled = self._now()
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client took some."""
        self._stalled = None
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._lost(self)
        self._inner.connection_lost(exc)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A request, whose head has come, is answered while the block runs."""
        self._running += 1
        self._head, self._begun = None, False
        try:
            yield
        finally:
            self._running -= 1

    def overdue(self, limits: Limits) -> Cut | None:
        """Which limit it has passed, if any."""
        now = self._now()
        if self._transport is not None and self._transport.is_closing():
            self._closing = self._closing or now
        if _longer(self._closing, limits.stall, now) or _longer(self._stalled, limits.stall, now):
            return Cut.STALL
        if self._closing is None and _longer(self._head, limits.head, now):
            return Cut.HEAD
        return None

    def end(self, cut: Cut) -> None:
        """Close it; who was late with a head is told (RFC 9110, 15.5.9)."""
        if cut is not Cut.HEAD or self._transport is None:
            self.abort()
            return
        if self._begun:
            self._transport.write(TOO_LATE)
        self._transport.close()

    def abort(self) -> None:
        """Drop it as it stands, with all that waits in it."""
        if self._transport is not None:
            self._transport.abort()


def _longer(since: float | None, seconds: float, now: float) -> bool:
    return since is not None and now - since > seconds
