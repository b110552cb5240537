"""A worker under a lease: one copy at a time, taken over when its copy dies, ended when the lease is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from libs.shared.errors import Stale
from libs.shared.failpoints import Failpoints
from libs.shared.hosting.leased import BETWEEN, HELD, run_leased
from libs.shared.store.lease import Lease, claim
from libs.shared.store.protocol import Store
from libs.shared.store.sqlite import open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Store]:
    store = await open_store(
        tmp_path / "a.db", (Lease,), clock=clock, ids=time_ordered_id, source="a", failpoints=Failpoints()
    )
    yield store
    await store.close()


async def until(condition: Callable[[], bool]) -> None:
    """The store's writer is a real thread: give it the moments it needs."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # a thread has no event to wait for
            await asyncio.sleep(0.001)


class Work:
    """A loop that notes that it runs, and that it ended."""

    def __init__(self) -> None:
        self.running = False
        self.ended = False

    async def __call__(self) -> None:
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running, self.ended = False, True


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_two_copies_one_works_and_the_other_takes_over(store: Store, clock: VirtualClock) -> None:
    """While one copy holds the lease the other waits; when the first goes, the second begins within its own wait."""
    first, second = Work(), Work()
    one = asyncio.create_task(run_leased("send", "one", first, store, clock))
    await until(lambda: first.running)
    two = asyncio.create_task(run_leased("send", "two", second, store, clock))
    for _ in range(10):
        await until(lambda: clock.sleepers >= 2)
        await clock.advance(BETWEEN)
        assert (first.running, second.running) == (True, False)
    await cancelled(one)
    assert first.ended
    await until(lambda: clock.sleepers >= 1)
    await clock.advance(BETWEEN)
    await until(lambda: second.running)
    await cancelled(two)
    assert await store.of(Lease).look("send") is None


async def test_a_dead_copys_lease_runs_out(store: Store, clock: VirtualClock) -> None:
    """A killed copy says nothing: its work is taken over when its time is up, and not before."""
    assert await claim(store, "send", "dead", HELD)
    work = Work()
    task = asyncio.create_task(run_leased("send", "alive", work, store, clock))
    await until(lambda: clock.sleepers >= 1)
    await clock.advance(BETWEEN)
    assert not work.running
    for _ in range(3):
        await until(lambda: clock.sleepers >= 1)
        await clock.advance(BETWEEN)
    await until(lambda: work.running)
    await cancelled(task)


async def test_the_same_copy_started_again_goes_on_at_once(store: Store, clock: VirtualClock) -> None:
    """An owner with the same name is the same copy: nobody waits for its own leftovers."""
    assert await claim(store, "send", "local", HELD)
    work = Work()
    task = asyncio.create_task(run_leased("send", "local", work, store, clock))
    await until(lambda: work.running)
    await cancelled(task)


async def test_a_lost_lease_ends_the_work(store: Store, clock: VirtualClock) -> None:
    """Who no longer holds the lease is stopped, and hears of it."""
    work = Work()
    task = asyncio.create_task(run_leased("send", "one", work, store, clock))
    await until(lambda: work.running and clock.sleepers >= 1)
    lease = await store.of(Lease).get("send")

    async def steal(unit) -> None:
        await unit.of(Lease).put(lease.model_copy(update={"owner": "thief"}))

    await store.transact(steal)
    await clock.advance(BETWEEN)
    with pytest.raises(Stale, match="send"):
        await task
    assert work.ended
    assert (await store.of(Lease).get("send")).owner == "thief"


async def test_what_the_work_raises_is_raised(store: Store, clock: VirtualClock) -> None:
    """An error passes through to whoever starts it again, and the lease is free at once."""

    async def broken() -> None:
        raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        await run_leased("send", "one", broken, store, clock)
    assert await store.of(Lease).look("send") is None
