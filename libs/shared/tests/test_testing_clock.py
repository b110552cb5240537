"""The virtual clock, on which every test with time in it rests."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from libs.shared.testing.clock import START, VirtualClock, settle


async def test_sleepers_wake_in_order() -> None:
    """Each at its own time, ties in the order of going to sleep, and only those that are due."""
    clock, woken = VirtualClock(), []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    tasks = [asyncio.ensure_future(sleeper(*one)) for one in (("c", 3), ("a", 1), ("b", 1), ("d", 9))]
    await settle()
    assert clock.sleepers == 4
    await clock.advance(5)
    assert woken == [("a", 1), ("b", 1), ("c", 3)]
    assert clock() == START + timedelta(seconds=5)
    tasks[-1].cancel()
    await clock.advance(10)
    assert clock.sleepers == 0
    assert len(woken) == 3


async def test_a_loop_wakes_as_often_as_it_would() -> None:
    """A task that sleeps again within the span advanced is woken again."""
    clock, ticks = VirtualClock(), []

    async def tick() -> None:
        while True:
            await clock.sleep(2)
            ticks.append(clock.monotonic())

    task = asyncio.ensure_future(tick())
    await clock.advance(7)
    assert ticks == [2, 4, 6]
    task.cancel()


async def test_no_time_is_no_wait() -> None:
    """Sleeping for nothing returns without an advance."""
    clock = VirtualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.monotonic() == 0
