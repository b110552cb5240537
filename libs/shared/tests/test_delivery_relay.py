"""From outbox to bus: in order, told once acknowledged, nobody blocked by a poison row."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from libs.shared.bus.protocol import START
from libs.shared.delivery.keep import check_retention
from libs.shared.delivery.refused import Refused
from libs.shared.delivery.relay import Pace
from libs.shared.errors import Broken, Busy, Invalid
from libs.shared.failpoints import Action, Failpoints
from libs.shared.testing.bus import ids
from libs.shared.tests.delivery_world import created, eventually, opened

TYPES = ["orrery.*"]


@pytest.fixture
async def world(tmp_path):
    async with opened(tmp_path) as world:
        yield world


class Wrapped:
    """A bus that refuses for a while, and remembers beats."""

    def __init__(self, bus, errors=()):
        self.bus = bus
        self.errors = list(errors)
        self.beats = []

    async def publish(self, batch):
        if self.errors:
            raise self.errors.pop(0)
        return await self.bus.publish(batch)

    async def beat(self, source, at):
        self.beats.append((source, at))
        await self.bus.beat(source, at)

    def __getattr__(self, name):
        return getattr(self.bus, name)


async def published(world):
    return (await world.bus.read(START, TYPES, 500)).messages


async def test_rows_are_told_in_order_and_once(world):
    """Everything that was committed reaches the bus in the order of commits, and nothing waits afterwards."""
    await world.emit(*(created(f"user-{n}") for n in range(30)))
    order = [row.envelope.id for row in await world.accounts.outbox.waiting(100)]
    world.start(world.relay(pace=Pace(batch=7)).run())

    async def all_told():
        return await world.accounts.outbox.depth() == (0, None)

    await world.pass_until(all_told)
    assert ids(await published(world)) == order


async def test_a_commit_wakes_it(world):
    """An event reaches the bus without time passing: the relay does not wait for its next look."""
    world.start(world.relay().run())
    await world.clock.advance(0.1)
    await world.emit(created("bob"))
    messages: list[object] = []

    async def watch():
        while not messages:
            messages.extend(await published(world))
            await asyncio.sleep(0.002)

    await asyncio.wait_for(watch(), 10)
    assert len(messages) == 1


@pytest.mark.parametrize("error", [Busy("bus-full", "later"), Broken("bus-down", "no route")])
async def test_a_bus_that_is_down_loses_nothing(world, error):
    """While the bus refuses, rows stay; afterwards they are told in order. Meanwhile there is no beat."""
    world.bus = Wrapped(world.bus, [error] * 4)
    relay = world.start(world.relay().run())
    await world.emit(created("bob"), created("eve"))
    await eventually(lambda: len(world.bus.errors) < 4)
    beats = len(world.bus.beats)
    await world.clock.advance(0.2)
    assert len(world.bus.beats) == beats

    async def told():
        return len(await published(world)) == 2

    await world.pass_until(told)
    assert not relay.done()


async def test_a_poison_row_is_set_aside(world):
    """A row that the bus will never take is kept with its reason where an operator sees it; its neighbours are told in
    order, those of its own subject too.
    """
    await world.emit(created("a"), created("bob"), created("x" * 100_000), created("bob"), created("z"))
    rows = await world.accounts.outbox.waiting(10)
    world.start(world.relay().run())

    async def all_told():
        return await world.accounts.outbox.depth() == (0, None)

    await world.pass_until(all_told)
    assert ids(await published(world)) == [row.envelope.id for row in rows if len(row.envelope.data) < 50_000]
    (refused,) = await world.accounts.of(Refused).find()
    assert refused.id == rows[2].envelope.id
    assert "65536" in refused.reason
    assert refused.refused_at <= world.clock()


async def test_beats_say_up_to_when_all_is_told(world):
    """An idle relay beats each second with a time at which its outbox was empty; a busy one with a time before the
    oldest row that was under way.
    """
    world.bus = Wrapped(world.bus)
    world.start(world.relay().run())
    for _ in range(5):
        await world.clock.advance(1)
        await asyncio.sleep(0.02)
    times = [at for source, at in world.bus.beats if source == "/accounts"]
    assert 4 <= len(times) <= 7
    assert times == sorted(times)
    await world.emit(created("bob"))
    committed = world.clock()

    async def told():
        return len(await published(world)) == 1

    await world.pass_until(told)
    before = len(world.bus.beats)
    await world.clock.advance(3)
    await eventually(lambda: len(world.bus.beats) > before)
    assert all(at <= world.clock() for _, at in world.bus.beats)
    assert world.bus.beats[-1][1] >= committed


@pytest.mark.parametrize("point", ["relay.before-publish", "relay.after-publish", "relay.after-told"])
async def test_a_failure_anywhere_tells_all_once(tmp_path, point):
    """Whatever point fails, the relay goes on by itself and the bus ends with each event once, in order."""
    async with opened(tmp_path, failpoints=Failpoints({point: Action("fail", 2)})) as world:
        world.start(world.relay(pace=Pace(batch=3)).run())
        await world.emit(*(created(f"user-{n}") for n in range(12)))

        async def all_told():
            return await world.accounts.outbox.depth() == (0, None) and len(await published(world)) == 12

        await world.pass_until(all_told)
        messages = await published(world)
        assert [m.envelope.data for m in messages] == [created(f"user-{n}").model_dump_json() for n in range(12)]


async def test_told_rows_are_kept_a_while_then_swept(world):
    """A told row stays for the keep, then goes."""
    world.start(world.relay().run())
    await world.emit(created("bob"))

    def count():
        connection = sqlite3.connect(world.folder / "accounts.db")
        try:
            return connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
        finally:
            connection.close()

    async def told():
        return await world.accounts.outbox.depth() == (0, None)

    await world.pass_until(told)
    assert count() == 1
    await world.clock.advance(25 * 3600)

    async def swept():
        return count() == 0

    await world.pass_until(swept, seconds=30)


async def test_depth_is_measured(world):
    """The outbox's depth and age are in the metrics while a bus refuses."""
    world.bus = Wrapped(world.bus, [])
    relay = world.relay()
    registry = relay._published
    assert registry._value.get() == 0
    world.start(relay.run())
    await world.emit(created("bob"))
    await eventually(lambda: registry._value.get() == 1)


def test_the_inbox_outlives_bus_and_outbox():
    """A start with an inbox that forgets too early is refused, saying how long it has to be kept."""
    check_retention(inbox=timedelta(days=14), bus=timedelta(days=7), outbox=timedelta(days=1))
    with pytest.raises(Invalid, match="8 days"):
        check_retention(inbox=timedelta(days=8), bus=timedelta(days=7), outbox=timedelta(days=1))
