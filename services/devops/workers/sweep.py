"""Removing what is left of projects, pipelines and runs that are gone: documents first, then files."""

from __future__ import annotations

import asyncio

from services.devops.commands import sweep as commands
from services.devops.parts import Parts
from services.devops.queries import run as queries
from services.devops.workers.runs import forget

EVERY = 2.0
"""Seconds between two looks that nothing asked for."""
BATCH = 200


async def sweep_gone(parts: Parts) -> None:
    """For ever."""
    await sweep_files(parts)
    while True:
        if await sweep_documents(parts):
            await sweep_files(parts)
        await parts.works.broom.wait(EVERY)


async def sweep_documents(parts: Parts) -> bool:
    """Once: all that is left of what is gone; whether there was any. Runs that go on are ended by who carries them."""
    remnants = await queries.remnants(parts.store)
    for remnant in remnants:
        while await parts.store.transact(commands.sweep_remnant, remnant.path):
            parts.works.bell.ring()
    return bool(remnants)


async def sweep_files(parts: Parts) -> None:
    """Once: files of runs that there are not."""
    kept = sorted(await asyncio.to_thread(parts.works.kept))
    for begin in range(0, len(kept), BATCH):
        some = kept[begin : begin + BATCH]
        gone = set(some) - await queries.standing(parts.store, some)
        if gone:
            await asyncio.to_thread(forget, tuple(gone), parts)
