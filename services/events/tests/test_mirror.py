"""The mirror: every event of the bus, once, in an order of the log's own, over restarts and losses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from libs.shared.bus.embedded import open_bus
from libs.shared.bus.protocol import NOW, START, Beat, Bus, Message, Unreadable
from libs.shared.contracts.accounts_v1 import UserCreated, WorkspaceCreated
from libs.shared.errors import Busy, Gone
from libs.shared.failpoints import Failpoints
from libs.shared.testing.clock import VirtualClock
from services.events.commands import log as commands
from services.events.queries import log as queries
from services.events.tests.stage import envelope, opened, reaches, tell, until, working
from services.events.workers import WORKERS
from services.events.workers import log as workers

BOB = UserCreated(user="bob")


async def test_positions_count_without_a_gap(tmp_path: Path) -> None:
    """1, 2, 3 …, in the order of the bus, each event with all that came with it."""
    envelopes = [envelope(BOB, f"users/u{n}") for n in range(1200)]
    async with opened(tmp_path) as parts, working(parts, workers.mirror):
        for start in range(0, 1200, 300):
            await parts.bus.publish(envelopes[start : start + 300])
        await until(lambda: reaches(parts, 1200))
        entries = await queries.next_entries(parts.store, 0, 2000)
    assert [entry.position for entry in entries] == list(range(1, 1201))
    assert [entry.event for entry in entries] == [one.id for one in envelopes]
    entry, told = entries[0], envelopes[0]
    assert (entry.type, entry.kind, entry.subject, entry.data) == (told.type, "UserCreated", "users/u0", told.data)
    assert (entry.actor, entry.correlationid, entry.traceparent) == ("admin", "chain", told.traceparent)


async def test_the_bus_says_it_twice_the_log_once(tmp_path: Path) -> None:
    """Doubles, within one batch and long after, take no position."""
    first, second = envelope(BOB, "users/a"), envelope(BOB, "users/b")
    messages = [Message(str(n), one, one.time) for n, one in enumerate([first, first, second, first])]
    async with opened(tmp_path) as parts:
        assert await parts.store.transact(commands.append_entries, messages, bus="4") == 2
        assert await parts.store.transact(commands.append_entries, messages, bus="8") == 0
        assert [e.subject for e in await queries.next_entries(parts.store, 0, 9)] == ["users/a", "users/b"]
        assert (await queries.log_cursor(parts.store)).bus == "8"


async def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """Stopped and started again, on the same store and bus: nothing twice, nothing missing."""
    bus = await open_bus(tmp_path / "b.db", clock=VirtualClock(), failpoints=Failpoints())
    async with opened(tmp_path, bus) as parts, working(parts, workers.mirror):
        await tell(parts, envelope(BOB, "users/a"), envelope(BOB, "users/b"))
    await bus.publish([envelope(BOB, "users/c")])
    async with opened(tmp_path, bus) as parts:
        assert parts.feed.position == 2
        async with working(parts, workers.mirror):
            await until(lambda: reaches(parts, 3))
            await tell(parts, envelope(BOB, "users/d"))
        subjects = [entry.subject for entry in await queries.next_entries(parts.store, 0, 9)]
    await bus.close()
    assert subjects == ["users/a", "users/b", "users/c", "users/d"]


@dataclass
class Forgetful:
    """A bus that has lost what came after the position asked for, once, or can't keep up, once."""

    kept: Bus
    fault: type[Gone | Busy]
    asked: list[str | datetime]

    def __getattr__(self, name: str) -> object:
        return getattr(self.kept, name)

    async def tail(
        self, types: Sequence[str], *, after: str | datetime = NOW
    ) -> AsyncGenerator[Sequence[Message | Unreadable | Beat], None]:
        self.asked.append(after)
        if len(self.asked) == 1:
            raise self.fault("lost", "what came next is no longer kept")
        async for batch in self.kept.tail(types, after=after):
            yield batch


async def test_a_loss_is_told_and_passed_over(tmp_path: Path) -> None:
    """What the bus no longer keeps is missing from the log: that is an event of its own, and the log goes on."""
    bus = await open_bus(tmp_path / "b.db", clock=VirtualClock(), failpoints=Failpoints())
    async with opened(tmp_path, bus) as parts, working(parts, workers.mirror):
        await tell(parts, envelope(BOB, "users/a"))
    asked: list[str | datetime] = []
    async with opened(tmp_path, Forgetful(bus, Gone, asked)) as parts, working(parts, workers.mirror):  # type: ignore[arg-type]  # the rest by __getattr__
        await tell(parts, envelope(BOB, "users/b"))
        cursor = await queries.log_cursor(parts.store)
        (row,) = await parts.store.outbox.waiting(9)
        assert (cursor.gaps, cursor.position) == (1, 2)
        assert (row.envelope.name, row.envelope.subject) == ("LogInterrupted", "log/entries")
        assert '"position":"1"' in row.envelope.data
    assert asked[1] == START
    await bus.close()


async def test_falling_behind_is_no_loss(tmp_path: Path) -> None:
    """A tail that says Busy is opened again from the same position."""
    bus = await open_bus(tmp_path / "b.db", clock=VirtualClock(), failpoints=Failpoints())
    asked: list[str | datetime] = []
    async with opened(tmp_path, Forgetful(bus, Busy, asked)) as parts, working(parts, workers.mirror):  # type: ignore[arg-type]  # the rest by __getattr__
        await until(lambda: once(asked))
        await parts.clock.advance(1)  # type: ignore[attr-defined]  # the virtual clock's
        await tell(parts, envelope(BOB, "users/a"))
        assert (await queries.log_cursor(parts.store)).gaps == 0
    await bus.close()


async def once(asked: list[str | datetime]) -> bool:
    return len(asked) == 1


async def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    """Bytes that can't be read take no position and don't stop the mirror."""
    async with opened(tmp_path) as parts:
        at = parts.clock()
        good = envelope(WorkspaceCreated(workspace="ws1"), "workspaces/ws1", "ws1")
        batch: list[Message | Unreadable] = [Unreadable("1", b"\xff", "no JSON", at), Message("2", good, at)]
        batch.append(Unreadable("3", b"", "empty", at))
        await workers.keep(batch, parts)
        cursor = await queries.log_cursor(parts.store)
    assert (cursor.position, cursor.bus) == (1, "3")


def test_one_mirror_at_a_time() -> None:
    """Only mirror and sweep write, under leases; every process pumps its own streams."""
    leases = {worker.name: worker.lease for worker in WORKERS}
    assert leases == {
        "mirror": True,
        "sweep": True,
        "pump": False,
        "beat": False,
        "deliver": True,
        "sweep-deliveries": True,
    }
