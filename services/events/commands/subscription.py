"""Subscriptions: made, removed, put back to an earlier position, suspended."""

from __future__ import annotations

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Equal, Find, Unit
from services.events.domain import subscription as domain
from services.events.domain.subscription import Removed, Subscription


async def create_subscription(unit: Unit, wish: Subscription, *, most: int, most_of_user: int) -> Subscription:
    """Keep it. Raises `Exists`, and `Conflict` when there are too many, of its owner or in all."""
    subscriptions = unit.of(Subscription)
    own = await subscriptions.count(Find((Equal("owner", wish.owner),)))
    if own >= most_of_user:
        raise Conflict("subscriptions-own", f"{wish.owner} has {own} subscriptions already: no more are accepted")
    if await subscriptions.count() >= most:
        raise Conflict("subscriptions-most", f"there are {most} subscriptions already: no more are accepted")
    kept = await subscriptions.add(wish)
    unit.emit(domain.created(kept), subject=f"subscriptions/{kept.uid}")
    return kept


async def delete_subscription(unit: Unit, key: str, *, by: str) -> Subscription:
    """Forget it, and soon its deliveries. Raises `Missing`."""
    subscription = await unit.of(Subscription).get(key)
    await unit.of(Subscription).drop(key)
    await unit.of(Removed).put(Removed(uid=subscription.uid))
    unit.emit(domain.deleted(subscription, by), subject=f"subscriptions/{subscription.uid}")
    return subscription


async def replay_subscription(unit: Unit, key: str, *, start: int) -> Subscription:
    """Deliver again what it wants from this position on, and be active again. Raises `Missing`."""
    return await unit.of(Subscription).put(domain.replay(await unit.of(Subscription).get(key), start))


async def suspend_subscription(unit: Unit, key: str, *, reason: str) -> None:
    """Deliver nothing more; one that is gone or suspended stays as it is."""
    subscription = await unit.of(Subscription).look(key)
    if subscription is None or subscription.state is domain.State.SUSPENDED:
        return
    halted, event = domain.suspend(subscription, reason)
    await unit.of(Subscription).put(halted)
    unit.emit(event, subject=f"subscriptions/{halted.uid}")
