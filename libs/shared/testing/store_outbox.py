"""Conformance: outbox, sequences and inbox commit with the documents, in the order of the commits."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.shared.errors import TooLarge
from libs.shared.event import CAUSE, Cause
from libs.shared.store.protocol import LARGEST_EVENT, Store, Unit
from libs.shared.testing.clock import START, VirtualClock, settle
from libs.shared.testing.store_kinds import Again, Meeting, Noted, Room


async def tell(unit: Unit, subject: str, *texts: str) -> None:
    """Emit one event a text."""
    for text in texts:
        unit.emit(Noted(text=text), subject=subject)


class OutboxConformance:
    """Outbox and inbox."""

    async def test_waits_in_the_order_of_commits(self, store: Store) -> None:
        """Rows come in order, those of a unit together, each with its position."""
        await store.transact(tell, "a/1", "one", "two")
        await store.transact(tell, "a/2", "three")
        rows = await store.outbox.waiting(10)
        assert [Noted.model_validate_json(row.envelope.data).text for row in rows] == ["one", "two", "three"]
        assert [row.position for row in rows] == sorted({row.position for row in rows})
        assert len(await store.outbox.waiting(2)) == 2

    async def test_an_envelope_is_complete(self, store: Store, clock: VirtualClock) -> None:
        """Type, source, subject, time, workspace, actor and causes are those of the event and of the running cause."""

        async def work(unit: Unit) -> None:
            unit.emit(Noted(text="x"), subject="rooms/hall", workspace="ws1")

        cause = Cause(actor="bob", correlation="corr", causation="caused", traceparent="00-trace")
        token = CAUSE.set(cause)
        try:
            await store.transact(work)
        finally:
            CAUSE.reset(token)
        (row,) = await store.outbox.waiting(10)
        envelope = row.envelope
        assert (envelope.type, envelope.name) == ("orrery.suite.v1.Noted", "Noted")
        assert (envelope.source, envelope.subject, envelope.workspace) == ("suite", "rooms/hall", "ws1")
        assert (envelope.actor, envelope.correlationid, envelope.causationid) == ("bob", "corr", "caused")
        assert (envelope.traceparent, envelope.time, envelope.version) == ("00-trace", clock(), 0)
        assert [(told.name, told.id) for told in cause.told] == [("Noted", envelope.id)]

    async def test_an_event_larger_than_a_bus_takes(self, store: Store) -> None:
        """It is refused before anything is committed, counted in bytes and not in characters; the largest is told."""
        room = len(Noted(text="").model_dump_json())

        async def work(unit: Unit, text: str) -> None:
            await unit.of(Room).put(Room(name=f"r{len(text)}"))
            unit.emit(Noted(text=text), subject="rooms/hall")

        for text in ("x" * (LARGEST_EVENT - room + 1), "ä" * (LARGEST_EVENT // 2)):
            with pytest.raises(TooLarge, match="rooms/hall"):
                await store.transact(work, text)
        assert (await store.of(Room).count(), await store.outbox.waiting(10)) == (0, [])
        await store.transact(work, "x" * (LARGEST_EVENT - room))
        assert (await store.of(Room).count(), len(await store.outbox.waiting(10))) == (1, 1)

    async def test_sequences_count_per_subject(self, store: Store, again: Again) -> None:
        """From 1, without gaps, under concurrency and over a restart."""
        await asyncio.gather(*(store.transact(tell, f"s/{i % 2}", "x", "y") for i in range(10)))
        store = await again()
        await store.transact(tell, "s/0", "z")
        rows = await store.outbox.waiting(100)
        for subject, count in (("s/0", 11), ("s/1", 10)):
            numbers = [row.envelope.sequence for row in rows if row.envelope.subject == subject]
            assert numbers == list(range(1, count + 1))
        assert len({row.envelope.id for row in rows}) == 21

    async def test_told_rows_wait_no_more(self, store: Store, again: Again) -> None:
        """What the bus acknowledged is not handed out again, over a restart too; the rest keeps its order."""
        await store.transact(tell, "a/1", "one", "two", "three")
        rows = await store.outbox.waiting(10)
        await store.outbox.told([rows[0], rows[2]], ["p1", "p3"])
        assert [row.position for row in await store.outbox.waiting(10)] == [rows[1].position]
        store = await again()
        assert [row.position for row in await store.outbox.waiting(10)] == [rows[1].position]

    async def test_a_long_backlog_keeps_its_order(self, store: Store) -> None:
        """However many rows wait, and whoever commits meanwhile, each comes once and in order."""
        told: list[str] = []

        async def relay() -> None:
            while len(told) < 600:
                rows = await store.outbox.waiting(50)
                await store.outbox.told(rows, [str(row.position) for row in rows])
                told.extend(Noted.model_validate_json(row.envelope.data).text for row in rows)
                if not rows:
                    await store.outbox.wake(1)

        await store.transact(tell, "a/1", *(str(i) for i in range(300)))
        telling = asyncio.ensure_future(relay())
        for i in range(300, 600):
            await store.transact(tell, "a/1", str(i))
        await telling
        assert told == [str(i) for i in range(600)]
        assert await store.outbox.waiting(10) == []

    async def test_depth_and_sweep(self, store: Store, clock: VirtualClock) -> None:
        """Depth counts what waits and since when; the sweep removes only what was told, and long enough ago."""
        assert await store.outbox.depth() == (0, None)
        await store.transact(tell, "a/1", "one")
        await clock.advance(5)
        await store.transact(tell, "a/1", "two")
        assert await store.outbox.depth() == (2, START)
        rows = await store.outbox.waiting(10)
        await store.outbox.told(rows[:1], ["p1"])
        assert await store.outbox.depth() == (1, START + timedelta(seconds=5))
        await clock.advance(60)
        assert await store.outbox.sweep(START + timedelta(seconds=5)) == 0
        assert await store.outbox.sweep(clock()) == 1
        assert [row.position for row in await store.outbox.waiting(10)] == [rows[1].position]

    async def test_wakes_the_relay(self, store: Store, clock: VirtualClock) -> None:
        """`wake` returns when a commit wrote rows, also just before it was called, and otherwise when time is up."""
        await store.transact(tell, "a/1", "one")
        await store.outbox.wake(60)
        waiting = asyncio.ensure_future(store.outbox.wake(60))
        await settle()
        assert not waiting.done()
        await store.transact(tell, "a/1", "two")
        await waiting
        waiting = asyncio.ensure_future(store.outbox.wake(60))
        await clock.advance(61)
        await waiting

    async def test_an_event_is_handled_once(self, store: Store) -> None:
        """Two deliveries at once of one event have its effect once: the second run sees the note."""
        meeting = Meeting(2)

        async def react(unit: Unit) -> bool:
            if await unit.seen("rooms", "event-1"):
                return False
            await meeting.join()
            standing = await unit.of(Room).look("hall") or Room(name="hall")
            await unit.of(Room).put(standing.model_copy(update={"size": standing.size + 1}))
            unit.note("rooms", "event-1")
            assert await unit.seen("rooms", "event-1")
            return True

        answers = await asyncio.gather(store.transact(react), store.transact(react))
        assert sorted(answers) == [False, True]
        assert (await store.of(Room).get("hall")).size == 1

    async def test_the_inbox_is_swept(self, store: Store, clock: VirtualClock, again: Again) -> None:
        """Notes are a consumer's own, survive a restart, and go when they are old enough."""

        async def note(unit: Unit, consumer: str) -> None:
            unit.note(consumer, "event-1")

        async def seen(unit: Unit, consumer: str) -> bool:
            return await unit.seen(consumer, "event-1")

        await store.transact(note, "one")
        await clock.advance(10)
        await store.transact(note, "two")
        store = await again()
        assert [await store.transact(seen, name) for name in ("one", "two", "three")] == [True, True, False]
        assert await store.sweep_inbox(START + timedelta(seconds=5)) == 1
        assert [await store.transact(seen, name) for name in ("one", "two")] == [False, True]
