"""A clock that stands still until a test advances it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """`values.Clock` for tests: `advance` wakes the sleepers one by one, in the order of their times."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def __call__(self) -> datetime:
        """Now."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that have passed since the clock was made."""
        return self._passed

    @property
    def sleepers(self) -> int:
        """How many sleep: what a test waits for before it advances."""
        return sum(1 for _, _, future in self._sleepers if not future.done())

    async def sleep(self, seconds: float) -> None:
        """Return once the test has advanced this far; at once for 0 or less, letting others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let this much time pass: each sleeper wakes at its own time and runs on before the next is woken, and what it
        sleeps anew within the span is woken too.
        """
        target = self._passed + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue  # cancelled
            self._passed = max(self._passed, due)
            future.set_result(None)
            await settle()
        self._passed = target
        await settle()


async def settle(turns: int = 20) -> None:
    """Let every ready task run until it waits for something outside of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def eventually(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    """Return as soon as it holds, for what real files and sockets bring about; fails the test after so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        assert loop.time() < end, f"it did not come about within {seconds} s"
        await asyncio.sleep(0.002)
