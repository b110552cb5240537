"""Reactions: once in effect, in order within a subject, and no message stops another's."""

import asyncio
from dataclasses import replace

import pytest

from libs.shared.bus.protocol import START
from libs.shared.delivery.consume import Limits
from libs.shared.delivery.parked import Parked, ParkedLane
from libs.shared.errors import Broken, Busy, Invalid, Missing, Stale
from libs.shared.event import current_cause
from libs.shared.tests.delivery_world import created, disabled, not_here_yet, opened


@pytest.fixture
async def world(tmp_path):
    async with opened(tmp_path) as world:
        yield world


async def test_an_event_goes_all_the_way(world):
    """A committed event reaches the reaction of another service through outbox, bus and inbox."""
    world.start(world.relay().run())
    world.start(world.consumer().run())
    await world.emit(created("bob"), created("eve"), disabled("bob"))

    async def all_done():
        return await world.letters() == {"bob": ("UserCreated", "UserDisabled"), "eve": ("UserCreated",)}

    await world.pass_until(all_done)
    assert await world.accounts.outbox.waiting(10) == []


async def test_delivered_twice_has_one_effect(world):
    """An event whose acknowledgement was lost runs its reaction once: the inbox knows it."""
    world.start(world.relay().run())
    consumer = world.start(world.consumer().run())
    await world.emit(created("bob"))

    async def done():
        return "bob" in await world.letters()

    await world.pass_until(done)
    await world.stop(consumer)
    (message,) = (await world.bus.read(START, ["orrery.*"], 10)).messages
    async with world.bus.group("again", ["orrery.*"]) as group:
        (delivery,) = await group.fetch(1, 1)
    outcome = await world.consumer()._outcome(delivery)
    assert outcome.outcome == "seen"
    assert await world.letters() == {"bob": ("UserCreated",)}
    assert world.runs["bob"] == 1
    assert message.envelope.id == delivery.message.envelope.id


@pytest.mark.parametrize("error", [Busy, Missing, Stale])
async def test_what_may_heal_is_tried_again_in_order(world, error):
    """`Busy`, `Missing` and `Stale` are tried again with backoff; later events of the subject wait, others don't."""
    world.plan["bob"] = [error("later", "not yet") for _ in range(3)]
    world.start(world.relay().run())
    world.start(world.consumer().run())
    await world.emit(created("bob"), disabled("bob"), created("eve"))

    async def eve_done():
        return "eve" in await world.letters()

    await world.pass_until(eve_done, seconds=0.001)
    assert "bob" not in await world.letters()

    async def bob_done():
        return (await world.letters()).get("bob") == ("UserCreated", "UserDisabled")

    await world.pass_until(bob_done, seconds=0.05)
    assert world.runs["bob"] == 5
    assert await world.mail.of(Parked).count() == 0


async def test_retries_end_in_parking(world):
    """What stays missing is parked after its tries, with the reason; the rest of its subject is parked behind it in
    order, untried; other subjects go on; nothing stays on the bus.
    """
    world.plan["bob"] = [not_here_yet() for _ in range(50)]
    world.start(world.relay().run())
    world.start(world.consumer(Limits(tries=4)).run())
    await world.emit(created("bob"), disabled("bob"), created("eve"))

    async def parked():
        return await world.mail.of(Parked).count() == 2 and "eve" in await world.letters()

    await world.pass_until(parked)
    first, second = sorted(await world.mail.of(Parked).find(), key=lambda one: one.position)
    assert (first.attempts, first.waits, second.attempts, second.waits) == (4, False, 0, True)
    assert "the workspace is not here yet" in first.reason
    assert world.runs["bob"] == 4
    assert (await world.letters()) == {"eve": ("UserCreated",)}
    assert (await world.mail.of(ParkedLane).find())[0].parked == 2
    async with world.bus.group("mail", ("orrery.accounts.v1.UserCreated", "orrery.accounts.v1.UserDisabled")) as group:

        async def acknowledged():
            return await group.lag() == (0, None)

        await world.pass_until(acknowledged, seconds=0.01)


@pytest.mark.parametrize("error", [ValueError("boom"), Invalid("bad", "no such thing"), Broken("x", "y")])
async def test_any_other_error_parks_at_once(world, error):
    """A reaction's own failure is not tried again: it is parked after one run, and counted."""
    world.plan["bob"] = [error]
    world.start(world.relay().run())
    world.start(world.consumer().run())
    await world.emit(created("bob"))

    async def parked():
        return await world.mail.of(Parked).count() == 1

    await world.pass_until(parked)
    assert world.runs["bob"] == 1

    async def counted():
        return world.metric("orrery_consumer_events_total", consumer="mail", event="UserCreated", outcome="parked") == 1

    await world.pass_until(counted)


async def test_a_failed_reaction_leaves_nothing(world):
    """What a reaction wrote before it failed is not kept."""

    async def half(unit, event):
        await world_queue(unit, event)
        raise ValueError("after the write")

    world_queue = world.queue_letter
    world.queue_letter = half
    world.start(world.relay().run())
    world.start(world.consumer().run())
    await world.emit(created("bob"))

    async def parked():
        return await world.mail.of(Parked).count() == 1

    await world.pass_until(parked)
    assert await world.letters() == {}


async def test_what_cannot_be_parsed_is_parked(world, tmp_path):
    """Data that is not of the event's form is parked with what is wrong, and its neighbours go on."""
    await world.emit(created("bob"), created("eve"))
    rows = await world.accounts.outbox.waiting(10)
    broken = replace(rows[0].envelope, data='{"user": {"not": "text"}}')
    await world.bus.publish([broken, rows[1].envelope])
    world.start(world.consumer().run())

    async def done():
        return "eve" in await world.letters() and await world.mail.of(Parked).count() == 1

    await world.pass_until(done)
    (parked,) = await world.mail.of(Parked).find()
    assert "user" in parked.reason
    assert parked.id == broken.id


async def test_only_a_store_that_is_down_leaves_a_message(world):
    """While the store can't commit nothing is parked or acknowledged; when it can again, the event has its effect."""

    class Down:
        def __init__(self, store):
            self.store, self.refusals = store, 5

        async def transact(self, work, *args, **kwargs):
            if self.refusals:
                self.refusals -= 1
                raise Broken("store-full", "the disk is full")
            return await self.store.transact(work, *args, **kwargs)

        def __getattr__(self, name):
            return getattr(self.store, name)

    store = Down(world.mail)
    world.mail = store
    world.start(world.relay().run())
    world.start(world.consumer(Limits(tries=2)).run())
    await world.emit(created("bob"))

    async def done():
        return "bob" in await world.letters()

    await world.pass_until(done)
    assert store.refusals == 0
    assert await world.mail.of(Parked).count() == 0
    assert world.runs["bob"] == 1


async def test_a_full_lane_waits_on_the_bus(world):
    """Beyond its bound a parked subject's events stay on the bus, and come when there is room."""
    world.plan["bob"] = [ValueError("boom")]
    world.start(world.relay().run())
    world.start(world.consumer(Limits(lane_bound=2)).run())
    await world.emit(*(created("bob") for _ in range(4)), created("eve"))

    async def full():
        return await world.mail.of(Parked).count() == 2 and "eve" in await world.letters()

    await world.pass_until(full)
    await world.retries().once()
    assert await world.mail.of(Parked).count() == 2
    await world.clock.advance(61)
    await world.retries().once()

    async def done():
        return (await world.letters()).get("bob") == ("UserCreated",) * 4

    await world.pass_until(done)


async def test_a_reaction_runs_under_the_events_cause(world):
    """Actor, correlation, causation and trace go from the event into the reaction, and on into what it emits."""
    seen = []

    async def look(unit, event):
        seen.append(current_cause())

    world.queue_letter = look
    await world.emit(created("bob"))
    (row,) = await world.accounts.outbox.waiting(1)
    world.start(world.relay().run())
    world.start(world.consumer().run())

    async def ran():
        return bool(seen)

    await world.pass_until(ran)
    cause = seen[0]
    assert cause.causation == row.envelope.id
    assert cause.correlation == row.envelope.correlationid
    assert current_cause().causation == ""


async def test_many_subjects_at_once(world):
    """Up to the bound, reactions of different subjects run side by side."""
    inside, most = 0, 0

    async def slow(unit, event):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.005)
        inside -= 1

    world.queue_letter = slow
    world.start(world.relay().run())
    consumer = world.consumer(Limits(in_flight=8))
    await world.emit(*(created(f"user-{n}") for n in range(40)))
    world.start(consumer.run())

    async def handled():
        sample = world.metric("orrery_consumer_events_total", consumer="mail", event="UserCreated", outcome="done")
        return sample == 40

    await world.pass_until(handled, seconds=0.01)
    assert most == 8
