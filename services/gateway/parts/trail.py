"""The audit trail: a bounded queue of records on their way to the records bus.

Whoever changes something takes room before the change is made, and waits for it when there is none; a record is never
dropped for a request that was let through. What only reads and finds no room is counted with its like.
"""

from __future__ import annotations

import asyncio
from collections import deque

from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Busy
from services.gateway.domain.audit import Sampler, sampled
from services.gateway.parts.journal import Journal


class Trail:
    """Records wait here until a worker has told them; room is given back only then."""

    def __init__(self, sampler: Sampler, journal: Journal, *, most: int, wait: float) -> None:
        self._sampler = sampler
        self._journal = journal
        self._most = most
        self._wait = wait
        self._queue: deque[AuditRecorded] = deque()
        self._taken = 0
        self._room = asyncio.Condition()
        self._filled = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Records that are not told yet."""
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether there is no room for another record."""
        return len(self._queue) + self._taken >= self._most

    async def take_room(self) -> None:
        """Make sure of room for one record; raises `Busy` when there is none in time. Give it back with `put` or
        `leave`.
        """
        try:
            async with asyncio.timeout(self._wait), self._room:
                await self._room.wait_for(lambda: not self.full)
        except TimeoutError:
            raise Busy("audit-full", "the audit trail takes no more records now; try again", retry_after=1) from None
        self._taken += 1

    async def leave(self) -> None:
        """Give room back without a record."""
        self._taken -= 1
        async with self._room:
            self._room.notify_all()

    def put(self, made: AuditRecorded, now: float, *, taken: bool) -> None:
        """Keep a record; `taken` when room was made sure of."""
        if taken:
            self._taken -= 1
        elif sampled(made) or self.full:
            first = self._sampler.take(made, now)
            if first is None or self.full:
                return
            made = first
        self._add(made)

    def sweep(self, now: float) -> None:
        """Keep what the sampler has counted in the windows that have ended."""
        for made in self._sampler.due(now):
            self._add(made)

    def close(self, now: float) -> None:
        """Keep what the sampler has counted, whether its window has ended or not."""
        for made in self._sampler.due(now, all_of_them=True):
            self._add(made)

    async def batch(self, limit: int) -> list[AuditRecorded]:
        """The oldest records, at least one; they stay here until `told`."""
        await self._filled.wait()
        return [self._queue[i] for i in range(min(limit, len(self._queue)))]

    async def told(self, count: int) -> None:
        """The oldest `count` records are safe: let others have their room."""
        for _ in range(count):
            self._queue.popleft()
        if not self._queue:
            self._filled.clear()
        self._journal.audit_queue.set(len(self._queue))
        self._journal.audit_told.inc(count)
        async with self._room:
            self._room.notify_all()

    def _add(self, made: AuditRecorded) -> None:
        self._queue.append(made)
        self._filled.set()
        self._journal.audit_queue.set(len(self._queue))
