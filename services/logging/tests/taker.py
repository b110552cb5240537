"""A process that keeps lines and says which are acknowledged, until it is killed: for the test of that."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from libs.shared.values import SystemClock
from services.logging.clients.index.index import Index
from services.logging.domain.entry import LOGS
from services.logging.domain.log import line

NAMES = {"namespace": "shop", "pod": "p", "container": "c"}
BATCH = 20


async def take(folder: Path, first: int) -> None:
    """Keep batches for ever; the number of the next is told once a batch is acknowledged."""
    index = Index(folder, SystemClock(), most_days=8, seconds=20, linger=0.01)
    committing = asyncio.create_task(index.run())
    number = first
    while not committing.done():
        entries = [
            line(f"line {at}", "2031-05-06T08:00:00Z", NAMES, "s", f"id-{at}") for at in range(number, number + BATCH)
        ]
        await index.keep(LOGS, entries)
        number += BATCH
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), int(sys.argv[2])))
