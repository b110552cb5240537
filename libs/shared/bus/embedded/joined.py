"""A group in the hand of one of its copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from libs.shared.bus.embedded.group import Core, Entry
from libs.shared.bus.embedded.reader import Reader
from libs.shared.bus.protocol import Delivery
from libs.shared.errors import Broken
from libs.shared.values import Clock


class Handed:
    """One delivery: the message, and which attempt this is."""

    __slots__ = ("_core", "_entry", "attempt", "message")

    def __init__(self, core: Core, entry: Entry) -> None:
        self._core = core
        self._entry = entry
        self.message = entry.message
        self.attempt = entry.attempt

    async def ack(self) -> None:
        """Handled; noted durably within a quarter of a second, which a redelivery after a crash makes up for."""
        self._core.ack(self._entry)

    async def nak(self, delay: float) -> None:
        """Not handled: again after `delay` seconds."""
        self._core.nak(self._entry, self.attempt, delay)

    async def working(self) -> None:
        """Still at it."""
        self._core.working(self._entry, self.attempt)


class Joined:
    """Fetches from the shared core, and reads on in the log where the core is behind."""

    def __init__(self, core: Core, reader: Reader, clock: Clock, end: Callable[[], int]) -> None:
        self._core = core
        self._reader = reader
        self._clock = clock
        self._end = end
        self._closed = False

    async def fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        """Up to `limit` deliveries; waits up to `wait` seconds for the first. Raises `Broken` once the bus closes."""
        deadline = self._clock.monotonic() + wait
        while True:
            if self._closed:
                raise Broken("bus-closed", "the bus is closed")
            if entries := self._core.take(limit):
                return [Handed(self._core, entry) for entry in entries]
            if self._core.wants(self._end()):
                await self._core.fill(self._reader.page, self._end())
                continue
            now = self._clock.monotonic()
            if now >= deadline:
                return ()
            await self._core.news.wait(self._clock, min(deadline, self._core.next_due()) - now)

    async def lag(self) -> tuple[int, datetime | None]:
        """How many are not acknowledged, and when the oldest was sent."""
        return await self._core.lag(self._reader.pending, self._end())

    async def lost(self) -> int:
        """How many messages retention removed before the group had read them."""
        return self._core.lost

    def close(self) -> None:
        """The bus closes: whoever fetches is told."""
        self._closed = True
        self._core.news.spread()
