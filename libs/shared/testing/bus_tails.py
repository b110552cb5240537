"""The part of the bus's conformance suite that is about tails."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from libs.shared.bus.protocol import START, Beat, Feature, Unreadable
from libs.shared.errors import Broken, Busy, Invalid
from libs.shared.testing.bus import ALL, DISABLED, Rig, envelope, gathered, ids

AT = datetime(2030, 1, 1, tzinfo=UTC)


class TailConformance:
    """What tails do."""

    async def test_every_tail_sees_everything_from_now(self, rig: Rig) -> None:
        """Two tails opened now see what comes, each all of it, and nothing of before."""
        await rig.bus.publish([envelope(1)])
        async with aclosing(rig.bus.tail(ALL)) as one, aclosing(rig.bus.tail(ALL)) as two:
            assert list(await anext(one)) == []
            assert list(await anext(two)) == []
            await rig.bus.publish([envelope(2), envelope(3)])
            assert ids(await gathered(one, 2)) == ["event-2", "event-3"]
            assert ids(await gathered(two, 2)) == ["event-2", "event-3"]

    async def test_a_tail_from_a_position_goes_over_into_the_present(self, rig: Rig) -> None:
        """From a position a tail gives what is kept after it, then what comes: nothing twice, nothing left out."""
        positions = await rig.bus.publish([envelope(n) for n in range(1, 1501)])
        async with aclosing(rig.bus.tail(ALL, after=positions[9])) as tail:
            first = await anext(tail)
            await rig.bus.publish([envelope(n) for n in range(1501, 1601)])
            got = ids(first) + ids(await gathered(tail, 1590 - len(first)))
        assert got == [f"event-{n}" for n in range(11, 1601)]

    async def test_a_tail_from_the_start_and_from_a_moment(self, rig: Rig) -> None:
        """The start is the first message that is kept; a moment includes what was sent then."""
        await rig.bus.publish([envelope(1)])
        await rig.pass_time(10)
        await rig.bus.publish([envelope(2)])
        async with aclosing(rig.bus.tail(ALL, after=START)) as tail:
            messages = await gathered(tail, 2)
        assert ids(messages) == ["event-1", "event-2"]
        if Feature.REPLAY_FROM_TIME in rig.bus.features:
            sent = messages[1].sent  # type: ignore[union-attr]  # no beat was sent
            async with aclosing(rig.bus.tail(ALL, after=sent)) as tail:
                assert ids(await gathered(tail, 1)) == ["event-2"]

    async def test_a_tail_sees_its_types_alone(self, rig: Rig) -> None:
        """Other types are left out, live and from the log."""
        await rig.bus.publish([envelope(1), envelope(2, kind=DISABLED)])
        async with aclosing(rig.bus.tail([DISABLED], after=START)) as tail:
            assert ids(await gathered(tail, 1)) == ["event-2"]
            await rig.bus.publish([envelope(3), envelope(4, kind=DISABLED)])
            assert ids(await gathered(tail, 1)) == ["event-4"]

    async def test_a_tail_takes_nothing_from_groups(self, rig: Rig) -> None:
        """Reading a tail acknowledges nothing for any group."""
        await rig.bus.publish([envelope(1)])
        async with aclosing(rig.bus.tail(ALL, after=START)) as tail:
            await gathered(tail, 1)
        async with rig.bus.group("mail", ALL) as group:
            assert (await group.lag())[0] == 1

    async def test_beats_reach_live_tails_and_are_not_kept(self, rig: Rig) -> None:
        """A beat arrives behind what was published before it, at every live tail, and is in no page."""
        async with aclosing(rig.bus.tail([DISABLED])) as one, aclosing(rig.bus.tail(ALL)) as two:
            await anext(one)
            await anext(two)
            await rig.bus.publish([envelope(1)])
            await rig.bus.beat("/accounts", AT)
            assert await gathered(one, 1) == [Beat("/accounts", AT)]
            published, beat = await gathered(two, 2)
            assert ids([published]) == ["event-1"]
            assert beat == Beat("/accounts", AT)
        assert ids((await rig.bus.read(START, ALL, 10)).messages) == ["event-1"]

    async def test_a_slow_reader_is_cut(self, rig: Rig) -> None:
        """A reader that falls behind the bound gets `Busy`, others don't, and it goes on from its last position."""
        async with aclosing(rig.bus.tail(ALL)) as slow, aclosing(rig.bus.tail(ALL)) as quick:
            await anext(slow)
            await anext(quick)
            (last,) = await rig.bus.publish([envelope(0)])
            assert ids(await gathered(slow, 1)) == ["event-0"]
            quick_got = ids(await gathered(quick, 1))
            for start in range(1, 10_001, 500):
                await rig.bus.publish([envelope(n) for n in range(start, start + 500)])
                quick_got += ids(await gathered(quick, 500))
            assert len(quick_got) == 10_001
            with pytest.raises(Busy):
                await gathered(slow, 10_000)
        async with aclosing(rig.bus.tail(ALL, after=last)) as again:
            assert ids(await gathered(again, 10_000)) == [f"event-{n}" for n in range(1, 10_001)]

    async def test_foreign_bytes_reach_a_tail(self, rig: Rig) -> None:
        """A tail gets what can't be read and goes on."""
        await rig.inject(b"garbage")
        await rig.bus.publish([envelope(1)])
        async with aclosing(rig.bus.tail(ALL, after=START)) as tail:
            items = await gathered(tail, 2)
        assert isinstance(items[0], Unreadable)
        assert ids(items) == ["event-1"]

    async def test_closing_ends_a_waiting_tail(self, rig: Rig) -> None:
        """A reader that waits when the bus closes gets `Broken`."""
        async with aclosing(rig.bus.tail(ALL)) as tail:
            await anext(tail)
            waiting = asyncio.ensure_future(anext(tail))
            await asyncio.sleep(0)
            await rig.bus.close()
            with pytest.raises(Broken):
                await asyncio.wait_for(waiting, 10)

    async def test_a_tail_of_no_types_sees_beats(self, rig: Rig) -> None:
        """Whoever follows only signs of life gets those alone; a group of no types is refused."""
        async with aclosing(rig.bus.tail([])) as tail:
            await anext(tail)
            await rig.bus.publish([envelope(1)])
            await rig.bus.beat("/accounts", AT)
            assert await gathered(tail, 1) == [Beat("/accounts", AT)]
        with pytest.raises(Invalid):
            await rig.bus.group("mail", []).__aenter__()
