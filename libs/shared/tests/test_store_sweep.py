"""Sweeping in batches: everything that is old goes, nothing else, however small the batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.store.sqlite.store import SqliteStore
from libs.shared.store.sqlite.sweeping import Old, sweep
from libs.shared.testing.clock import START, VirtualClock
from libs.shared.testing.store_kinds import DOCUMENTS, Noted
from libs.shared.values import time_ordered_id


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[SqliteStore]:
    made = await open_store(
        tmp_path / "s.db", DOCUMENTS, clock=clock, ids=time_ordered_id, source="tests", failpoints=Failpoints()
    )
    yield made
    await made.close()


async def work(unit: Unit, number: int) -> None:
    """A unit with an event and a note of the inbox."""
    unit.emit(Noted(text=str(number)), subject="a/1")
    unit.note("rooms", f"event-{number}")


async def seen(unit: Unit, number: int) -> bool:
    """Whether the inbox knows it."""
    return await unit.seen("rooms", f"event-{number}")


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 8, 100])
async def test_all_that_is_old_goes(store: SqliteStore, clock: VirtualClock, limit: int) -> None:
    """Seven rows of ten are old: full batches, a last one that isn't, or none."""
    for number in range(7):
        await store.transact(work, number)
    await clock.advance(10)
    for number in range(7, 10):
        await store.transact(work, number)
    rows = await store.outbox.waiting(100)
    await store.outbox.told(rows[:9], [str(row.position) for row in rows[:9]])
    await clock.advance(10)
    at = START + timedelta(seconds=5)
    assert await sweep(store._writer, Old.UNITS, at, limit) == 7
    assert await sweep(store._writer, Old.INBOX, at, limit) == 7
    assert [number for number in range(10) if await store.transact(seen, number)] == [7, 8, 9]
    assert await sweep(store._writer, Old.OUTBOX, at, limit) == 0
    assert await sweep(store._writer, Old.OUTBOX, clock(), limit) == 9
    assert [row.position for row in await store.outbox.waiting(100)] == [rows[9].position]
