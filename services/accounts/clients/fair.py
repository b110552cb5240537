"""Who is next: addresses take turns, so that one that asks for much holds up itself and nobody else."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.errors import Busy


class Fair:
    """`slots` run at once; the rest wait, a queue for each address, at most `each` in one."""

    def __init__(self, slots: int, each: int) -> None:
        self._free = slots
        self._each = each
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """A slot for as long as the block lasts; raises `Busy` when too many of this address wait. Empty text is our
        own work, which has no such bound.
        """
        await self._enter(address)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, address: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        queue = self._queues.setdefault(address, deque())
        if address and len(queue) >= self._each:
            raise Busy("passwords-busy", "too many passwords from this address wait: try again", retry_after=1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._queues:
            address, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[address] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
