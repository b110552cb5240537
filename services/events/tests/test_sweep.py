"""What the log keeps no longer: by age and by number; and what readers of it are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from libs.shared.contracts.accounts_v1 import UserCreated, WorkspaceCreated
from libs.shared.event import Envelope
from libs.shared.store.protocol import Find, Range, Store
from libs.shared.testing.clock import START, VirtualClock
from services.events.commands import log as commands
from services.events.domain.entry import Entry, Floor
from services.events.parts import Parts
from services.events.queries import log as queries
from services.events.rest.stream import PAGE
from services.events.settings import EventsSettings
from services.events.tests.stage import PATH, Callers, envelope, following, opened, serving, tell, until, working
from services.events.workers import log as workers

DAY = timedelta(days=1)


def on(day: int) -> Envelope:
    """Something that happened so many days after the clock began."""
    return envelope(UserCreated(user=f"u{day}"), f"users/u{day}", at=START + day * DAY)


def made(space: str) -> Envelope:
    """A workspace, made as the clock began."""
    return envelope(WorkspaceCreated(workspace=space), f"workspaces/{space}", space, at=START)


async def positions(parts: Parts) -> list[int]:
    """What is kept."""
    return [entry.position for entry in await queries.next_entries(parts.store, 0, 1000)]


async def drop_through(store: Store, position: int) -> None:
    """Sweep up to there."""
    oldest = await queries.next_entries(store, 0, position)
    await store.transact(commands.drop_entries, [entry for entry in oldest if entry.position <= position])


async def test_the_old_go(tmp_path: Path) -> None:
    """Entries older than the days given are removed once the worker looks, younger ones stay; and when everything has
    gone, the next one still has the next position.
    """
    clock = VirtualClock()
    async with opened(tmp_path, clock=clock, keep_days=10) as parts:
        async with working(parts, workers.mirror):
            await tell(parts, *(on(day) for day in range(5)))
        await clock.advance(12 * 86400 + 1)
        async with working(parts, workers.sweep):
            await until(lambda: begins_after(parts, 3))
        assert await positions(parts) == [4, 5]
        await clock.advance(30 * 86400)
        assert await workers.sweep_some(parts) == 2
        assert await positions(parts) == []
        async with working(parts, workers.mirror):
            await tell(parts, on(40))
        assert await positions(parts) == [6]


async def begins_after(parts: Parts, position: int) -> bool:
    """Whether so much was swept."""
    return await queries.swept_through(parts.store) == position


async def test_one_that_is_out_of_time_leaves_no_hole(tmp_path: Path) -> None:
    """The order is the bus's: a young entry between old ones holds nothing up, and goes with them."""
    clock = VirtualClock()
    async with opened(tmp_path, clock=clock, keep_days=10) as parts, working(parts, workers.mirror):
        await tell(parts, on(0), on(19), on(1), on(20))
        await clock.advance(20 * 86400)
        assert await workers.sweep_some(parts) == 3
        assert await positions(parts) == [4]


@pytest.mark.parametrize(
    ("before", "most", "expected"),
    [
        (None, 0, []),
        (None, 5, [1, 2, 3, 4]),
        (None, 13, [1, 2]),
        (None, 15, []),
        (None, 99, []),
        (START + 2 * DAY, 13, [1, 2]),
        (START + 3 * DAY, 14, [1, 2, 3]),
        (START + DAY / 2, 13, [1, 2]),
    ],
)
async def test_what_is_to_go(tmp_path: Path, before: datetime | None, most: int, expected: list[int]) -> None:
    """By age or by number, whichever takes more; the oldest first; never more than fit in a unit; 0 takes nothing."""
    async with opened(tmp_path) as parts, working(parts, workers.mirror):
        await tell(parts, *(on(day) for day in range(15)))
        found = await queries.overdue(parts.store, before, most, 4)
        assert [entry.position for entry in found] == expected


async def test_for_ever(tmp_path: Path) -> None:
    """0 keeps everything."""
    clock = VirtualClock()
    async with opened(tmp_path, clock=clock, keep_days=0, keep_entries=0) as parts, working(parts, workers.mirror):
        await tell(parts, on(0), on(1))
        await clock.advance(10_000 * 86400)
        assert await workers.sweep_some(parts) == 0


async def test_too_many_go_batch_by_batch(tmp_path: Path) -> None:
    """More than fit in a unit are removed in one sweep, a bounded number at a time; no question scans the log."""
    surplus = workers.CHUNK + 3
    settings = EventsSettings(keep_days=0).model_copy(update={"keep_entries": 2})  # fewer than an operator may ask for
    clock = VirtualClock()
    async with opened(tmp_path, clock=clock) as opened_parts:
        parts = replace(opened_parts, settings=settings)
        async with working(parts, workers.mirror):
            await tell(parts, *(on(0) for _ in range(surplus + 2)))
        async with working(parts, workers.sweep):
            await until(lambda: begins_after(parts, workers.CHUNK))
            assert len(await positions(parts)) == 5
            await clock.advance(workers.BREATH)
            await until(lambda: begins_after(parts, surplus))
        assert parts.store.unindexed == frozenset()  # type: ignore[attr-defined]  # SQLite's own


def test_too_few_is_refused() -> None:
    """Streams need the last entries to tell what their readers may see."""
    with pytest.raises(ValidationError, match="10000 or more"):
        EventsSettings(keep_entries=9_999)
    assert EventsSettings(keep_entries=10_000).keep_entries == 10_000


async def test_floors_of_what_is_gone_go_too(tmp_path: Path) -> None:
    """A floor hides what a former workspace of the name left: when that has gone, the floor may go; not before."""
    async with opened(tmp_path) as parts, working(parts, workers.mirror):
        await tell(parts, made("ws1"), made("ws2"), on(0), made("ws1"))
        await drop_through(parts.store, 3)
        assert [(one.workspace, one.position) for one in await parts.store.of(Floor).find()] == [("ws1", 4)]


async def test_pages_go_on_with_the_oldest(tmp_path: Path) -> None:
    """From 0 and from a position that is gone a page begins with the oldest that is kept, and says which it is; so do
    questions that no index answers, which would look at empty spans for long.
    """
    async with opened(tmp_path) as parts, working(parts, workers.mirror), serving(parts, Callers()) as client:
        await tell(parts, *(on(day) for day in range(6)))
        await drop_through(parts.store, 4)
        for after in (0, 2, 4):
            async with client.get(f"{PATH}?after={after}") as answer:
                page = await answer.json()
            assert ([item["position"] for item in page["items"]], page["next"], page["oldest"]) == ([5, 6], 6, 5)
        async with client.get(f"{PATH}?subject=users/u1&type=UserCreated") as answer:
            assert await answer.json() == {"items": [], "next": 6, "oldest": 5}
        async with client.get(f"{PATH}?subject=users/u1") as answer:
            assert await answer.json() == {"items": [], "next": 4, "oldest": 5}


async def test_streams_that_would_miss_something_are_refused(tmp_path: Path) -> None:
    """Resuming where the next entry is gone is told plainly; from 0, or from the last that is gone, all is there."""
    async with opened(tmp_path) as parts, working(parts), serving(parts, Callers()) as client:
        await tell(parts, *(on(day) for day in range(6)))
        await drop_through(parts.store, 4)
        resuming: tuple[tuple[str, dict[str, str]], ...] = (("&after=3", {}), ("", {"Last-Event-ID": "1"}))
        for query, headers in resuming:
            async with client.get(f"{PATH}?follow=true{query}", headers=headers) as answer:
                assert (answer.status, await answer.text()) == (400, "position-gone")
        for query in ("", "&after=4"):
            async with following(client, query=query) as reader:
                assert [told.id for _ in range(2) if (told := await reader.next())] == ["5", "6"]


@dataclass
class SweptUnder:
    """A store that is swept just before a stream reads its second page."""

    kept: Store
    sweep: Callable[[], Awaitable[None]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    def of(self, kind: type[Any]) -> Any:
        return SweptReader(self, kind) if kind is Entry else self.kept.of(kind)


@dataclass
class SweptReader:
    """Its entries."""

    store: SweptUnder
    kind: type[Entry]

    async def find(self, find: Find) -> list[Entry]:
        if find.limit == PAGE and any(isinstance(one, Range) and one.low == PAGE + 1 for one in find.where):
            await self.store.sweep()
        return await self.store.kept.of(self.kind).find(find)


async def stands_at(parts: Parts, position: int) -> bool:
    """Whether the feed has come as far as the log: before, a stream of it would be live at once, and slow."""
    return parts.feed.position == position


async def test_a_stream_that_is_overtaken_is_cut(tmp_path: Path) -> None:
    """What is swept from under a reader who catches up is not passed over in silence."""
    async with opened(tmp_path, depth=1) as parts, working(parts):
        store = SweptUnder(parts.store, lambda: drop_through(parts.store, PAGE + 20))
        swept = replace(parts, store=store)
        async with serving(swept, Callers()) as client:
            await tell(parts, *(on(0) for _ in range(PAGE + 50)))
            await until(lambda: stands_at(parts, PAGE + 50))
            async with following(client) as reader:
                told = [await reader.next() for _ in range(PAGE)]
                assert [one.id for one in told if one] == [str(number + 1) for number in range(PAGE)]
                cut = await reader.next()
                assert cut is not None
                assert (cut.event, cut.data["reason"]) == ("cut", "gone")
                assert await reader.next() is None
