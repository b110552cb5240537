"""Owned tasks: an error is logged, counted and survived; the end is orderly."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from libs.shared.errors import Busy
from libs.shared.hosting.tasks import FIRST_PAUSE, LONGEST_PAUSE, WELL_AGAIN, Tasks
from libs.shared.telemetry.make import silent


class Hours:
    """A clock that never waits: each sleep moves it on, and is remembered."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


async def settled(condition: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await condition.wait()


async def test_a_failing_loop_is_begun_again_with_backoff() -> None:
    """Pauses double up to a bound, each restart is counted, and other errors than ours are survived too."""
    clock, telemetry, done, runs = Hours(), silent("a"), asyncio.Event(), iter(range(12))

    async def loop() -> None:
        run = next(runs)
        if run == 11:
            done.set()
            return
        raise (Busy("no", "not now") if run % 2 else RuntimeError("broke"))

    async with Tasks(telemetry, clock).running([("loop", loop)]):
        await settled(done)
    assert clock.slept == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(11)]
    assert telemetry.registry.get_sample_value("orrery_task_restarts_total", {"task": "loop"}) == 11


async def test_a_long_good_run_forgets_old_failures() -> None:
    """After a minute of work the next failure is the first again."""
    clock, done, runs = Hours(), asyncio.Event(), iter(range(4))

    async def loop() -> None:
        run = next(runs)
        if run == 2:
            clock.now += WELL_AGAIN + 1
        if run == 3:
            done.set()
            return
        raise RuntimeError("broke")

    async with Tasks(silent("a"), clock).running([("loop", loop)]):
        await settled(done)
    assert clock.slept == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE]


async def test_a_leaked_cancellation_does_not_end_a_loop() -> None:
    """A CancelledError that nobody asked for is an error like any other."""
    done, runs = asyncio.Event(), iter(range(2))

    async def loop() -> None:
        if next(runs) == 0:
            raise asyncio.CancelledError
        done.set()

    async with Tasks(silent("a"), Hours()).running([("loop", loop)]):
        await settled(done)


async def test_the_last_begun_ends_first() -> None:
    """What stands on another is gone before it; each may finish what it holds."""
    ended: list[str] = []
    begun = asyncio.Event()

    def loop(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                if name == "c":
                    begun.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        return run

    async with Tasks(silent("x"), Hours()).running([(name, loop(name)) for name in "abc"]):
        await settled(begun)
    assert ended == ["c", "b", "a"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
