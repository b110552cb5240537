"""The one thread that reads the log: pages for those who are behind, replay and counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from libs.shared.bus.codec import decoded
from libs.shared.bus.embedded import positions
from libs.shared.bus.embedded.faults import faults
from libs.shared.bus.embedded.log import Log, Row
from libs.shared.bus.protocol import Message, Unreadable
from libs.shared.bus.types import Types
from libs.shared.errors import Broken, Malformed

R = TypeVar("R")


class Reader:
    """Reads through a connection of its own, so that nobody waits for the writer."""

    def __init__(self, log: Log, path: Path) -> None:
        self._log = log
        self._path = path
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"bus-reader {path.name}")
        self._closed = False

    async def page(self, after: int, types: Types, limit: int, end: int) -> tuple[Sequence[Message | Unreadable], int]:
        """Up to `limit` wanted messages after a position and up to `end`; and how far was looked."""

        def work() -> tuple[Sequence[Message | Unreadable], int]:
            found = self._log.page(after, types, limit, end)
            return [_message(row) for row in found.rows], found.scanned

        return await self._run(work)

    async def pending(self, after: int, types: Types) -> tuple[int, int]:
        """As the log's own."""
        return await self._run(lambda: self._log.pending(after, types))

    async def before(self, moment: int) -> int:
        """As the log's own."""
        return await self._run(lambda: self._log.before(moment))

    async def _run(self, work: Callable[[], R]) -> R:
        if self._closed:
            raise Broken("bus-closed", "the bus is closed")
        with faults(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def close(self) -> None:
        """Finish what is being read, then let go of thread and file."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)
        self._log.close()


def _message(row: Row) -> Message | Unreadable:
    position, sent = positions.text(row.position), positions.moment(row.sent)
    try:
        return Message(position, decoded(row.body), sent)
    except Malformed as error:
        return Unreadable(position, row.body, error.text, sent)
