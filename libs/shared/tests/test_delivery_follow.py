"""Followers: every event from the moment the tail stands, the snapshot first, and no silent end."""

import asyncio
from dataclasses import replace

import pytest

from libs.shared.delivery.follow import Follower, Following
from libs.shared.errors import Broken, Busy
from libs.shared.event import Envelope
from libs.shared.service import Follow
from libs.shared.telemetry.make import silent
from libs.shared.tests.delivery_world import KINDS, created, disabled, eventually, opened


class Seen:
    """Parts of a service that only remembers what happened to it."""

    def __init__(self):
        self.calls = []
        self.errors = []
        self.snapshot_errors = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_tail(self, parts):
        assert parts is self
        self.calls.append("snapshot")
        await self.gate.wait()
        if self.snapshot_errors:
            raise self.snapshot_errors.pop(0)

    def on_beat(self, beat, parts):
        self.calls.append(("beat", beat.source))


async def remember(event, envelope, parts):
    assert isinstance(envelope, Envelope)
    if parts.errors:
        raise parts.errors.pop(0)
    parts.calls.append((envelope.name, event.user))


@pytest.fixture
async def world(tmp_path):
    async with opened(tmp_path) as world:
        yield world


def follower(world, parts, *, snapshot=True):
    following = Following(
        "gateway", [Follow(kind, remember) for kind in KINDS], parts.on_tail if snapshot else None, parts.on_beat
    )
    world.telemetry = silent("gateway")
    return Follower(following, parts=parts, bus=world.bus, clock=world.clock, telemetry=world.telemetry)


async def publish(world, *events):
    """Through the outbox, to have envelopes."""
    await world.emit(*events)
    rows = await world.accounts.outbox.waiting(100)
    await world.accounts.outbox.told(rows, ["x"] * len(rows))
    await world.bus.publish([row.envelope for row in rows])


async def stands(parts, count=1):
    await eventually(lambda: parts.calls.count("snapshot") == count)


async def test_the_snapshot_comes_first_and_nothing_is_missed(world):
    """The tail stands before the snapshot is asked for; what is published meanwhile is handed over after it."""
    parts = Seen()
    parts.gate.clear()
    await publish(world, created("old"))
    world.start(follower(world, parts).run())
    await stands(parts)
    await publish(world, created("bob"), disabled("bob"))
    assert parts.calls == ["snapshot"]
    parts.gate.set()
    await eventually(lambda: len(parts.calls) == 3)
    assert parts.calls == ["snapshot", ("UserCreated", "bob"), ("UserDisabled", "bob")]


async def test_beats_are_handed_on_in_their_place(world):
    """A beat comes after what was published before it."""
    parts = Seen()
    world.start(follower(world, parts).run())
    await stands(parts)
    await publish(world, created("bob"))
    await world.bus.beat("/accounts", world.clock())
    await eventually(lambda: len(parts.calls) == 3)
    assert parts.calls[1:] == [("UserCreated", "bob"), ("beat", "/accounts")]


@pytest.mark.parametrize("error", [KeyError("bob"), Broken("x", "y")])
async def test_a_failing_follower_means_a_new_snapshot(world, error):
    """What a follower failed on is counted, and healed by a new snapshot; the events after it are all handed over."""
    parts = Seen()
    parts.errors = [error]
    world.start(follower(world, parts).run())
    await stands(parts)
    await publish(world, created("bob"), created("eve"))

    async def again():
        return ("UserCreated", "eve") in parts.calls

    await world.pass_until(again)
    assert parts.calls == ["snapshot", "snapshot", ("UserCreated", "eve")]
    assert world.metric("orrery_follower_errors_total", event="UserCreated") == 1
    assert world.metric("orrery_follower_openings_total") == 2


async def test_without_a_snapshot_a_failure_is_passed_over(world):
    """A follower without a snapshot goes on with the next event on the same tail."""
    parts = Seen()
    parts.errors = [ValueError("boom")]
    world.start(follower(world, parts, snapshot=False).run())
    await eventually(lambda: len(world.bus._tails) == 1)
    await publish(world, created("bob"), created("eve"))
    await eventually(lambda: parts.calls == [("UserCreated", "eve")])
    assert world.metric("orrery_follower_openings_total") == 1


async def test_a_snapshot_that_fails_is_asked_for_again(world):
    """An owner that is not up yet is asked again with backoff, and no event of that time is missed."""
    parts = Seen()
    parts.snapshot_errors = [Busy("not-up", "later"), Broken("down", "no route")]
    world.start(follower(world, parts).run())
    await stands(parts)
    await publish(world, created("bob"))

    async def handed_over():
        return ("UserCreated", "bob") in parts.calls

    await world.pass_until(handed_over, seconds=0.05)
    assert parts.calls == ["snapshot"] * 3 + [("UserCreated", "bob")]


async def test_a_slow_follower_is_cut_and_comes_back(world):
    """A follower that falls behind the bus's bound opens again after its last event, and gets every one, once."""
    parts = Seen()
    gate = asyncio.Event()

    async def slow(event, envelope, parts):
        await gate.wait()
        parts.calls.append(event.user)

    following = Following("gateway", [Follow(kind, slow) for kind in KINDS], parts.on_tail)
    run = Follower(following, parts=parts, bus=world.bus, clock=world.clock, telemetry=silent("gateway"))
    world.start(run.run())
    await stands(parts)
    envelopes = await _envelopes(world, 6000)
    for start in range(0, 6000, 500):
        await world.bus.publish(envelopes[start : start + 500])
    gate.set()

    async def all_there():
        return len(parts.calls) >= 6002

    await world.pass_until(all_there)
    assert [call for call in parts.calls if call != "snapshot"] == [f"user-{n}" for n in range(6000)]
    assert parts.calls.count("snapshot") == 2


async def _envelopes(world, count):
    await world.emit(created("x"))
    (row,) = await world.accounts.outbox.waiting(1)
    return [
        replace(row.envelope, id=f"id-{n}", data=created(f"user-{n}").model_dump_json(), subject=f"users/user-{n}")
        for n in range(count)
    ]


async def test_a_follower_left_behind_by_retention_begins_anew(world):
    """Where the events after its last one are no longer kept, a follower takes a new snapshot and goes on from now."""
    parts = Seen()
    following = follower(world, parts)
    task = world.start(following.run())
    await stands(parts)
    await publish(world, created("bob"), created("eve"))
    await eventually(lambda: len(parts.calls) == 3)
    await world.stop(task)
    following._after = f"{1:020d}"
    await world.clock.advance(8 * 24 * 3600)
    await world.bus.trim()
    world.start(following.run())

    async def again():
        return parts.calls.count("snapshot") == 2

    await world.pass_until(again)
    await publish(world, created("zoe"))
    await eventually(lambda: ("UserCreated", "zoe") in parts.calls)
