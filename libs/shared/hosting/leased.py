"""A worker that runs in one copy of its service at a time, by a lease in the service's store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from libs.shared.errors import Fault, Stale
from libs.shared.store.lease import Lease, claim, release, renew
from libs.shared.store.protocol import Store
from libs.shared.values import Clock

HELD = 15.0
"""Seconds that a lease holds without being renewed: how long a dead copy's work waits for another copy."""
BETWEEN = HELD / 3


async def run_leased(name: str, owner: str, run: Callable[[], Awaitable[None]], store: Store, clock: Clock) -> None:
    """Wait for the lease, run while it is held, and let it go. Raises what `run` raises; `Stale` when the lease was
    lost, after `run` has been cancelled.
    """
    lease = await _claimed(name, owner, store, clock)
    work = asyncio.ensure_future(run())
    holding = _Holding(lease, store, clock)
    keeping = asyncio.create_task(holding.keep(), name=f"lease {name}")
    try:
        await asyncio.wait((work, keeping), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Stale("lease-lost", f"the lease of {name} was lost", resource="leases", name=name)
        await work
    finally:
        for task in (keeping, work):
            task.cancel()
        await asyncio.gather(keeping, work, return_exceptions=True)
        with contextlib.suppress(Fault):  # it runs out by itself
            await _given_up(name, owner, store)


async def _claimed(name: str, owner: str, store: Store, clock: Clock) -> Lease:
    while True:
        lease = await claim(store, name, owner, HELD)
        if lease is not None:
            return lease
        await clock.sleep(BETWEEN)


async def _given_up(name: str, owner: str, store: Store) -> None:
    """Let go of the lease as it stands: a renewal that was cut off may have gone through."""
    lease = await claim(store, name, owner, HELD)
    if lease is not None:
        await release(store, lease)


class _Holding:
    """A lease that is renewed until it is lost."""

    def __init__(self, lease: Lease, store: Store, clock: Clock) -> None:
        self.lease = lease
        self._store = store
        self._clock = clock

    async def keep(self) -> None:
        """Return when the lease is certainly lost: another's, or not renewed in time."""
        renewed = self._clock.monotonic()
        while self._clock.monotonic() - renewed < HELD - BETWEEN:
            await self._clock.sleep(BETWEEN)
            try:
                self.lease = await renew(self._store, self.lease, HELD)
                renewed = self._clock.monotonic()
            except Stale:
                return
            except Fault:  # the store is not at its best: there is time for another try
                continue
