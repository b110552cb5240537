"""Reading deliveries, and what is to become one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.store.protocol import Equal, Find, OneOf, Range, Store
from services.events.domain.delivery import Delivery, Progress
from services.events.domain.entry import Entry
from services.events.domain.subscription import Subscription

WINDOW = 500
"""Pending deliveries of one subscription that are looked at together: no more than so many are planned ahead."""


async def wanted_entries(store: Store, subscription: Subscription, head: int, limit: int) -> Sequence[Entry]:
    """Entries of its types after its cursor, up to this position, whoever may see them."""
    place = (Equal("workspace", subscription.workspace),) if subscription.workspace else ()
    span = Range("position", subscription.cursor + 1, head + 1)
    return await store.of(Entry).find(Find((OneOf("kind", subscription.types), *place, span), "position", limit))


async def pending_deliveries(store: Store, uid: str) -> Sequence[Delivery]:
    """The first of those that wait, by position."""
    clauses = (Equal("subscription", uid), Equal("state", Progress.PENDING.value))
    return await store.of(Delivery).find(Find(clauses, "position", WINDOW))


async def list_deliveries(store: Store, uid: str, before: int, limit: int) -> Sequence[Delivery]:
    """A page of a subscription's deliveries, the newest position first; `before` 0 begins with the newest."""
    clauses = (Equal("subscription", uid), Range("position", high=before or None))
    return await store.of(Delivery).find(Find(clauses, "-position", limit))


async def ended_deliveries(store: Store, before: datetime, limit: int) -> Sequence[str]:
    """Names of those that ended before this moment."""
    return [one.id for one in await store.of(Delivery).find(Find((Range("ended_at", high=before),), "ended_at", limit))]


async def deliveries_of(store: Store, uid: str, limit: int) -> Sequence[str]:
    """Names of some deliveries of a subscription, whatever became of them."""
    return [one.id for one in await store.of(Delivery).find(Find((Equal("subscription", uid),), "", limit))]


async def look_entry(store: Store, event: str) -> Entry | None:
    """The entry of this event, if it is still kept."""
    return await store.of(Entry).look(event)
