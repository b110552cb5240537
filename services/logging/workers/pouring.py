"""From a source into the store: a bounded queue between them, emptied in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.errors import Busy, Fault
from services.logging.clients.store import Store
from services.logging.domain.entry import Entry, Kind
from services.logging.parts import Parts

DEPTH = 4000
"""Entries that wait; whoever brings more waits, too."""
Queue = asyncio.Queue[Entry]


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks that are ended when the block is left or one of them fails; the first fault comes out as itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except ExceptionGroup as group:
        faults, others = group.split(Fault)
        if faults is None or others is not None:
            raise
        raise faults.exceptions[0] from None


async def pour(queue: Queue, kind: Kind, where: Store, parts: Parts) -> None:
    """Keep what is in the queue, for ever. What can't be kept now is kept later: nothing is let go."""
    while True:
        batch = [await queue.get()]
        while not queue.empty() and len(batch) < DEPTH:
            batch.append(queue.get_nowait())
        while True:
            try:
                await where.keep(kind, batch, soon=False)
                break
            except Busy as fault:
                parts.journal.waits(kind.name, fault)
                await parts.clock.sleep(fault.retry_after or 1)
        parts.journal.kept(kind.name, len(batch))
