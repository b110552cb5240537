"""Deliveries: planned from the log, and noted as they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.store.protocol import Unit
from services.events.domain import delivery as domain
from services.events.domain.delivery import Delivery, Failure, Patience, Progress
from services.events.domain.entry import Entry
from services.events.domain.subscription import Removed, Subscription


async def plan_deliveries(
    unit: Unit, subscription: Subscription, entries: Sequence[Entry], *, through: int, at: datetime
) -> None:
    """Note what is to be delivered and that the log was looked through up to there: once, whatever happens between. A
    subscription that was removed or put back meanwhile is left alone.
    """
    now = await unit.of(Subscription).look(subscription.key)
    if now is None or (now.uid, now.replays) != (subscription.uid, subscription.replays):
        return
    for entry in entries:
        await unit.of(Delivery).put(domain.planned(now, entry, at))
    await unit.of(Subscription).put(now.model_copy(update={"cursor": through}))


async def note_arrival(unit: Unit, name: str, *, status: int, at: datetime) -> None:
    """The receiver has it."""
    delivery = await _pending(unit, name)
    if delivery is not None:
        await unit.of(Delivery).put(domain.arrive(delivery, status, at))


async def withhold_delivery(unit: Unit, name: str, *, reason: str, at: datetime) -> None:
    """It is not to be delivered."""
    delivery = await _pending(unit, name)
    if delivery is not None:
        await unit.of(Delivery).put(domain.withhold(delivery, reason, at))


async def put_off_delivery(
    unit: Unit, name: str, subscription: Subscription, failure: Failure, *, at: datetime, patience: Patience
) -> None:
    """It did not arrive: later again, or never."""
    delivery = await _pending(unit, name)
    if delivery is None:
        return
    tried, event = domain.put_off(delivery, subscription, failure, at, patience)
    await unit.of(Delivery).put(tried)
    if event is not None:
        unit.emit(event, subject=f"subscriptions/{subscription.uid}")


async def drop_deliveries(unit: Unit, names: Sequence[str]) -> None:
    """Forget these."""
    for name in names:
        await unit.of(Delivery).drop(name)


async def forget_removed(unit: Unit, uid: str) -> None:
    """Nothing is left of a removed subscription."""
    await unit.of(Removed).drop(uid)


async def _pending(unit: Unit, name: str) -> Delivery | None:
    delivery = await unit.of(Delivery).look(name)
    return delivery if delivery is not None and delivery.state is Progress.PENDING else None
