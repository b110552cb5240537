"""Reading subscriptions."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.errors import Missing
from libs.shared.store.protocol import Equal, Find, Range, Store
from services.events.domain.subscription import Removed, State, Subscription, key_of


async def find_subscription(store: Store, owner: str, name: str) -> Subscription:
    """Raises `Missing`, in the same words whoever else has one of that name."""
    found = await store.of(Subscription).look(key_of(owner, name))
    if found is None:
        raise Missing("no-subscription", f"{owner} has no subscription {name}", resource="subscriptions", name=name)
    return found


async def list_subscriptions(store: Store, owner: str, after: str, limit: int) -> tuple[Sequence[Subscription], int]:
    """A page in the order of keys, and how many there are: of one owner, or of all when that is empty."""
    own = (Equal("owner", owner),) if owner else ()
    page = await store.of(Subscription).find(Find((*own, Range("path", f"{after}\0" if after else "")), "path", limit))
    return page, await store.of(Subscription).count(Find(own))


async def active_subscriptions(store: Store) -> Sequence[Subscription]:
    """All that are delivered to."""
    return await store.of(Subscription).find(Find((Equal("state", State.ACTIVE.value),)))


async def served_subscription(store: Store, subscription: Subscription) -> Subscription | None:
    """Its present form, while it is active and neither made anew nor put back meanwhile."""
    now = await store.of(Subscription).look(subscription.key)
    same = now is not None and (now.uid, now.replays, now.state) == (
        subscription.uid,
        subscription.replays,
        State.ACTIVE,
    )
    return now if same else None


async def removed_subscriptions(store: Store) -> Sequence[Removed]:
    """Some that are gone while their deliveries are not."""
    return await store.of(Removed).find(Find(limit=100))
