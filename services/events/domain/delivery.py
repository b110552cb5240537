"""One event on its way to one subscription: tried until it arrives, in order within its subject."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from libs.shared.contracts.events_v1 import DeliveryAbandoned
from libs.shared.store.protocol import Document, Index
from services.events.domain.entry import Entry
from services.events.domain.subscription import Subscription

LONGEST_REASON = 300


class Progress(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    WITHHELD = "withheld"
    """Its owner may not see the event any more, or it is no longer kept."""


class Delivery(Document):
    """The log's entry is its content: the receiver gets the same body and the same `webhook-id` at every attempt."""

    COLLECTION: ClassVar[str] = "deliveries"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("subscription", "position")),
        Index(("subscription", "state", "position")),
        Index(("ended_at",)),
    )

    id: str
    subscription: str
    """The subscription's uid."""
    event: str
    position: int
    type: str
    subject: str
    state: Progress = Progress.PENDING
    attempts: int = 0
    status: int = 0
    """Of the last answer; 0 when there was none."""
    last_error: str = ""
    since: datetime
    """When it was first tried, and until then when it was planned: patience counts from there, and not while it waits
    behind another one.
    """
    due_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a delivery is tried: pauses double from `first` to `most` seconds, until `give_up`."""

    first: float
    most: float
    give_up: float


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended: `status` of the answer, 0 for none; `retry_after` in seconds as the receiver asked."""

    text: str
    status: int = 0
    retry_after: float = 0


def planned(subscription: Subscription, entry: Entry, at: datetime) -> Delivery:
    """To be delivered, as soon as nothing of its subject is before it."""
    return Delivery(
        id=f"{subscription.uid}/{entry.event}",
        subscription=subscription.uid,
        event=entry.event,
        position=entry.position,
        type=entry.kind,
        subject=entry.subject,
        since=at,
        due_at=at,
    )


def heads(pending: Iterable[Delivery], at: datetime) -> tuple[list[Delivery], datetime | None]:
    """Of pending deliveries by position: the first of each subject that is due, and when the next of the others is."""
    first: dict[str, Delivery] = {}
    for delivery in pending:
        first.setdefault(delivery.subject, delivery)
    due = [delivery for delivery in first.values() if delivery.due_at <= at]
    later = [delivery.due_at for delivery in first.values() if delivery.due_at > at]
    return due, min(later, default=None)


def arrive(delivery: Delivery, status: int, at: datetime) -> Delivery:
    """The receiver has it."""
    return delivery.model_copy(
        update={
            "state": Progress.DELIVERED,
            "attempts": delivery.attempts + 1,
            "status": status,
            "last_error": "",
            "ended_at": at,
        }
    )


def withhold(delivery: Delivery, reason: str, at: datetime) -> Delivery:
    """It is not to be delivered."""
    return delivery.model_copy(update={"state": Progress.WITHHELD, "last_error": reason, "ended_at": at})


def put_off(
    delivery: Delivery, subscription: Subscription, failure: Failure, at: datetime, patience: Patience
) -> tuple[Delivery, DeliveryAbandoned | None]:
    """Try again later, or give up when patience is at its end: what is behind it goes on then."""
    tried = delivery.model_copy(
        update={
            "since": delivery.since if delivery.attempts else at,
            "attempts": delivery.attempts + 1,
            "status": failure.status,
            "last_error": failure.text[:LONGEST_REASON],
        }
    )
    due = at + timedelta(seconds=max(pause(tried, patience), min(failure.retry_after, patience.most)))
    if due <= tried.since + timedelta(seconds=patience.give_up):
        return tried.model_copy(update={"due_at": due}), None
    event = DeliveryAbandoned(
        subscription=subscription.name,
        owner=subscription.owner,
        event=delivery.event,
        position=delivery.position,
        attempts=tried.attempts,
        status=failure.status,
    )
    return tried.model_copy(update={"state": Progress.ABANDONED, "ended_at": at}), event


def pause(delivery: Delivery, patience: Patience) -> float:
    """Seconds until the next attempt: between half and the whole of a pause that doubles. Where in between comes from
    the delivery itself, so that those put off together spread and the decision needs no chance.
    """
    whole = min(patience.first * 2.0 ** min(delivery.attempts - 1, 32), patience.most)
    spread = int(hashlib.sha256(f"{delivery.id} {delivery.attempts}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return whole * (0.5 + spread / 2)
