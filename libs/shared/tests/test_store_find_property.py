"""Any find over any documents answers as a naive model does, stored and in a unit's own writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Clause, Document, Equal, Find, Index, OneOf, Prefix, Range, Unit
from libs.shared.store.sqlite import SqliteStore, open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id

LETTERS = "ab%_'\"\\.é\U0010ffff"
KEPT = st.text(st.sampled_from(LETTERS), max_size=3)
TEXT = st.text(st.sampled_from(LETTERS + "\0"), max_size=3)
NUMBER = st.integers(-3, 3)


class Thing(Document):
    """Each field twice: with an index and without."""

    INDEXES = (Index(("tags",)), Index(("text",)), Index(("number", "text")))

    name: str
    text: str | None = None
    text2: str | None = None
    number: int | None = None
    number2: int | None = None
    tags: tuple[str, ...] = ()
    tags2: tuple[str, ...] = ()


THINGS = st.builds(
    Thing,
    name=st.text("abé_", min_size=1, max_size=2),
    text=st.none() | KEPT,
    text2=st.none() | KEPT,
    number=st.none() | NUMBER,
    number2=st.none() | NUMBER,
    tags=st.lists(KEPT, max_size=3).map(tuple),
    tags2=st.lists(KEPT, max_size=3).map(tuple),
)
FIELD = st.sampled_from(("name", "text", "text2", "number", "number2", "tags", "tags2"))
VALUE = TEXT | NUMBER
CLAUSES = st.one_of(
    st.builds(Equal, FIELD, VALUE),
    st.builds(OneOf, FIELD, st.lists(VALUE, max_size=3).map(tuple)),
    st.builds(Prefix, FIELD, TEXT),
    st.builds(Range, FIELD, st.none() | TEXT, st.none() | TEXT),
    st.builds(Range, FIELD, st.none() | NUMBER, st.none() | NUMBER),
)
FINDS = st.builds(
    Find,
    where=st.lists(CLAUSES, max_size=2).map(tuple),
    sort=st.sampled_from(("", "name", "-name", "text", "-text2", "number", "-number2")),
    limit=st.none() | st.integers(0, 4),
    offset=st.integers(0, 2),
)


def holds(thing: Thing, clause: Clause) -> bool:
    """The clause by the protocol's words."""
    value = getattr(thing, clause.field)
    values = value if isinstance(value, tuple) else (value,)
    match clause:
        case Equal():
            return clause.value in values
        case OneOf():
            return any(one in clause.values for one in values)
        case Prefix():
            return any(isinstance(one, str) and one.startswith(clause.value) for one in values)
        case Range():
            sides = [side for side in (clause.low, clause.high) if side is not None]
            return not sides or any(within(one, clause) for one in values if {type(one)} == {*map(type, sides)})


def within(value: object, clause: Range) -> bool:
    """Both sides, where they are given; all of one type."""
    low, high = clause.low, clause.high
    return (low is None or low <= value) and (high is None or value < high)  # type: ignore[operator]  # of one type, says the caller


def answer(things: list[Thing], find: Find) -> list[str]:
    """The find by filtering and sorting: None first, then the name."""
    found = sorted(
        (one for one in things if all(holds(one, clause) for clause in find.where)), key=lambda one: one.name
    )
    field = find.sort.lstrip("-") or "name"
    there = [one for one in found if getattr(one, field) is not None]
    there.sort(key=lambda one: getattr(one, field), reverse=find.sort.startswith("-"))
    absent = [one for one in found if getattr(one, field) is None]
    found = there + absent if find.sort.startswith("-") else absent + there
    return [one.name for one in found[find.offset :][: find.limit]]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, SqliteStore]]:
    """One store for all examples, each of which empties it first."""
    path = tmp_path_factory.mktemp("property") / "p.db"
    clock, points = VirtualClock(), Failpoints()
    with asyncio.Runner() as runner:
        opening = open_store(path, (Thing,), clock=clock, ids=time_ordered_id, source="property", failpoints=points)
        store = runner.run(opening)
        yield runner, store
        runner.run(store.close())


async def put(unit: Unit, things: list[Thing], finds: list[Find]) -> list[list[str]]:
    """Put these, and find."""
    for thing in things:
        await unit.of(Thing).put(thing)
    return [[one.name for one in await unit.of(Thing).find(find)] for find in finds]


async def clear(unit: Unit) -> None:
    """Empty the collection."""
    for thing in await unit.of(Thing).find():
        await unit.of(Thing).drop(thing.name)


@settings(max_examples=100, deadline=None)
@given(st.lists(THINGS, max_size=8, unique_by=lambda t: t.name), st.lists(FINDS, min_size=1, max_size=6), st.data())
def test_find_is_the_naive_model(
    opened: tuple[asyncio.Runner, SqliteStore], things: list[Thing], finds: list[Find], data: st.DataObject
) -> None:
    """With indexes and without, over stored documents and over those that the unit put itself."""
    runner, store = opened
    split = data.draw(st.integers(0, len(things)))
    expected = [answer(things, find) for find in finds]

    async def run() -> None:
        await store.transact(clear)
        await store.transact(put, things[:split], [])
        assert await store.transact(put, things[split:], finds) == expected
        assert [[one.name for one in await store.of(Thing).find(find)] for find in finds] == expected
        counts = [sum(all(holds(one, clause) for clause in find.where) for one in things) for find in finds]
        assert [await store.of(Thing).count(find) for find in finds] == counts

    runner.run(run())
