"""The part of the bus's conformance suite that is about groups."""

from __future__ import annotations

import asyncio

import pytest

from libs.shared.bus.protocol import NOW, Delivery, Group, Unreadable
from libs.shared.errors import Broken, Conflict
from libs.shared.testing.bus import ALL, CREATED, DISABLED, WAIT, Rig, drained, envelope, ids


async def _fetched(group: Group) -> list[Delivery]:
    return list(await group.fetch(10, 60))


class GroupConformance:
    """What groups do."""

    async def test_each_message_once_and_in_order(self, rig: Rig) -> None:
        """A new group begins at the start and gets each message once; acknowledged ones never again."""
        await rig.bus.publish([envelope(n) for n in range(1, 6)])
        async with rig.bus.group("mail", ALL) as group:
            assert await drained(group) == [f"event-{n}" for n in range(1, 6)]
            await rig.bus.publish([envelope(6)])
            assert await drained(group) == ["event-6"]
            assert await group.fetch(10, 0) == ()

    async def test_start_counts_for_a_new_group_only(self, rig: Rig) -> None:
        """`NOW` skips what stands; joining again goes on where the group was."""
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("late", ALL, start=NOW) as group:
            await rig.bus.publish([envelope(2)])
            assert await drained(group) == ["event-2"]
        await rig.bus.publish([envelope(3)])
        async with rig.bus.group("late", ALL, start=NOW) as group:
            assert await drained(group) == ["event-3"]

    async def test_two_groups_are_independent(self, rig: Rig) -> None:
        """Each group gets everything, whatever the other acknowledged."""
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("one", ALL) as one, rig.bus.group("two", [CREATED]) as two:
            assert await drained(one) == ["event-1"]
            assert await drained(two) == ["event-1"]

    async def test_copies_share_a_group(self, rig: Rig) -> None:
        """Two copies of a service get each message once between them."""
        await rig.bus.publish([envelope(n, subject=f"users/{n}") for n in range(1, 11)])
        async with rig.bus.group("mail", ALL) as one, rig.bus.group("mail", ALL) as two:
            first, second = await one.fetch(5, WAIT), await two.fetch(10, WAIT)
            assert sorted(ids(first) + ids(second)) == sorted(f"event-{n}" for n in range(1, 11))

    async def test_order_within_a_subject(self, rig: Rig) -> None:
        """While one message of a subject is unacknowledged, later ones of it wait, and other subjects go on."""
        bob, eve = "users/bob", "users/eve"
        await rig.bus.publish([envelope(1, subject=bob), envelope(2, subject=bob), envelope(3, subject=eve)])
        async with rig.bus.group("mail", ALL) as group:
            held = await group.fetch(10, WAIT)
            assert ids(held) == ["event-1", "event-3"]
            await rig.bus.publish([envelope(4, subject=bob), envelope(5, subject=eve)])
            assert await group.fetch(10, 0) == ()
            await held[1].ack()
            assert ids(await group.fetch(10, WAIT)) == ["event-5"]
            await held[0].ack()
            assert ids(await group.fetch(10, WAIT)) == ["event-2"]

    async def test_nak_comes_again_after_its_delay(self, rig: Rig) -> None:
        """A refused message comes again when its delay is over, counted, before the later ones of its subject."""
        await rig.bus.publish([envelope(1), envelope(2)])
        async with rig.bus.group("mail", ALL) as group:
            (delivery,) = await group.fetch(10, WAIT)
            assert delivery.attempt == 1
            await delivery.nak(5)
            await rig.pass_time(4)
            assert await group.fetch(10, 0) == ()
            await rig.pass_time(2)
            (again,) = await group.fetch(10, WAIT)
            assert ids([again]) == ["event-1"]
            assert again.attempt == 2
            await again.ack()
            assert await drained(group) == ["event-2"]

    async def test_silence_brings_it_again(self, rig: Rig) -> None:
        """Without an acknowledgement a message comes again after `ack_wait`; saying `working` gains the time anew."""
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("mail", ALL) as group:
            (delivery,) = await group.fetch(10, WAIT)
            await rig.pass_time(20)
            await delivery.working()
            await rig.pass_time(20)
            assert await group.fetch(10, 0) == ()
            await rig.pass_time(11)
            (again,) = await group.fetch(10, WAIT)
            assert (ids([again]), again.attempt) == (["event-1"], 2)

    async def test_a_late_word_changes_nothing_wrongly(self, rig: Rig) -> None:
        """A nak of a delivery that ran out is ignored; an acknowledgement counts however late."""
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("mail", ALL) as group:
            (late,) = await group.fetch(10, WAIT)
            await rig.pass_time(31)
            (again,) = await group.fetch(10, WAIT)
            await late.nak(0)
            assert await group.fetch(10, 0) == ()
            await late.ack()
            await again.ack()
            await rig.pass_time(31)
            assert await group.fetch(10, 0) == ()

    async def test_a_group_outlives_the_process(self, rig: Rig) -> None:
        """After reopening, what was acknowledged stays so even above an open message, and attempts are remembered."""
        await rig.bus.publish([envelope(1, subject="users/a"), envelope(2, subject="users/b")])
        async with rig.bus.group("mail", ALL) as group:
            first, second = await group.fetch(10, WAIT)
            await second.ack()
            await first.nak(0)
            (again,) = await group.fetch(10, WAIT)
            assert again.attempt == 2
        bus = await rig.reopen()
        await rig.pass_time(31)
        async with bus.group("mail", ALL) as group:
            (delivery,) = await group.fetch(10, WAIT)
            assert ids([delivery]) == ["event-1"]
            assert delivery.attempt == 3

    async def test_leaving_returns_what_was_open(self, rig: Rig) -> None:
        """What a copy held when it left is delivered to the next, after `ack_wait` at the latest."""
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("mail", ALL) as group:
            assert len(await group.fetch(10, WAIT)) == 1
        await rig.pass_time(31)
        async with rig.bus.group("mail", ALL) as group:
            assert await drained(group) == ["event-1"]

    async def test_a_fetch_waits_for_news(self, rig: Rig) -> None:
        """A waiting fetch returns as soon as something is published."""
        async with rig.bus.group("mail", ALL) as group:
            waiting = asyncio.create_task(_fetched(group))
            await asyncio.sleep(0)
            await rig.bus.publish([envelope(1)])
            assert ids(await asyncio.wait_for(waiting, 10)) == ["event-1"]

    async def test_far_behind_catches_up(self, rig: Rig) -> None:
        """A group that joins long after gets everything in order, while more is published."""
        for start in range(0, 6000, 500):
            await rig.bus.publish([envelope(n, subject=f"users/{n % 50}") for n in range(start, start + 500)])
        got: list[str] = []
        async with rig.bus.group("mail", ALL) as group:
            for n in range(6000, 6100):
                await rig.bus.publish([envelope(n, subject=f"users/{n % 50}")])
                got += await drained(group, 1)
            got += await drained(group, 1000)
            assert await group.lag() == (0, None)
        assert sorted(got) == sorted(f"event-{n}" for n in range(6100))
        for user in range(50):
            mine = [int(name[6:]) for name in got if int(name[6:]) % 50 == user]
            assert mine == sorted(mine)

    async def test_foreign_bytes_reach_a_group(self, rig: Rig) -> None:
        """A group gets what can't be read, to park it, and goes on."""
        await rig.inject(b"garbage")
        await rig.bus.publish([envelope(1)])
        async with rig.bus.group("mail", [CREATED]) as group:
            deliveries = await group.fetch(10, WAIT)
            assert [isinstance(d.message, Unreadable) for d in deliveries] == [True, False]

    async def test_lag_counts_what_is_open(self, rig: Rig) -> None:
        """Lag is the number of unacknowledged messages of the group's types, and the time of the oldest."""
        await rig.bus.publish([envelope(1), envelope(2), envelope(3, kind=DISABLED)])
        async with rig.bus.group("mail", [CREATED]) as group:
            count, oldest = await group.lag()
            assert count == 2
            assert oldest is not None
            await drained(group)
            assert await group.lag() == (0, None)
            assert await group.lost() == 0

    async def test_other_types_in_the_same_group(self, rig: Rig) -> None:
        """Joining for other types goes on from where the group stands; not while another copy listens to the old."""
        async with rig.bus.group("mail", [CREATED]) as group:
            await rig.bus.publish([envelope(1), envelope(2, kind=DISABLED)])
            assert await drained(group) == ["event-1"]
            with pytest.raises(Conflict):
                async with rig.bus.group("mail", [DISABLED]):
                    pytest.fail("it was let in")
        await rig.bus.publish([envelope(3), envelope(4, kind=DISABLED)])
        async with rig.bus.group("mail", [DISABLED]) as group:
            assert await drained(group) == ["event-4"]

    async def test_closing_ends_a_waiting_fetch(self, rig: Rig) -> None:
        """Whoever waits when the bus closes is told."""
        async with rig.bus.group("mail", ALL) as group:
            waiting = asyncio.create_task(_fetched(group))
            await asyncio.sleep(0)
            await rig.bus.close()
            with pytest.raises(Broken):
                await asyncio.wait_for(waiting, 10)
