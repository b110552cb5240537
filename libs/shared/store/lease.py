"""Leases: how several copies of a worker agree on who works, by a document in their service's store.

Time is the store's (a unit's `at`), and the document's version is the fence: it grows with every claim and renewal, so
an owner who slept too long finds his own version stale.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from libs.shared.errors import Stale
from libs.shared.store.protocol import Document, Store, Unit


class Lease(Document):
    """Who may work on `name`, until when. `stamp.version` is the fencing token."""

    name: str
    owner: str
    until: datetime


async def claim(store: Store, name: str, owner: str, seconds: float) -> Lease | None:
    """Take the lease if it is free, run out or already ours; None when another holds it. Seconds > 0."""
    return await store.transact(_claim, name, owner, seconds)


async def renew(store: Store, lease: Lease, seconds: float) -> Lease:
    """Hold it for so many seconds from now; raises `Stale` when it is no longer this one, even if it still is ours."""
    return await store.transact(_renew, lease, seconds)


async def release(store: Store, lease: Lease) -> None:
    """Let others have it at once; nothing happens when it is no longer this one."""
    await store.transact(_release, lease)


async def holds(unit: Unit, lease: Lease) -> None:
    """Fence the unit: raises `Stale` unless the lease is still this one and has time left. Checked again at commit."""
    standing = await unit.of(Lease).look(lease.name)
    if standing is None or standing.stamp.version != lease.stamp.version or standing.until <= unit.at:
        raise _lost(lease)


async def _claim(unit: Unit, name: str, owner: str, seconds: float) -> Lease | None:
    standing = await unit.of(Lease).look(name)
    if standing is not None and standing.owner != owner and standing.until > unit.at:
        return None
    return await unit.of(Lease).put(Lease(name=name, owner=owner, until=unit.at + timedelta(seconds=seconds)))


async def _renew(unit: Unit, lease: Lease, seconds: float) -> Lease:
    standing = await unit.of(Lease).look(lease.name)
    if standing is None or standing.stamp.version != lease.stamp.version:
        raise _lost(lease)
    return await unit.of(Lease).put(standing.model_copy(update={"until": unit.at + timedelta(seconds=seconds)}))


async def _release(unit: Unit, lease: Lease) -> None:
    standing = await unit.of(Lease).look(lease.name)
    if standing is not None and standing.stamp.version == lease.stamp.version:
        await unit.of(Lease).drop(lease.name)


def _lost(lease: Lease) -> Stale:
    text = f"the lease {lease.name} of {lease.owner} has run out or is another's; claim it again"
    return Stale("lease-lost", text, resource="leases", name=lease.name)
