"""A subscription: who wants to be told of which events, and where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from libs.shared.contracts.events_v1 import SubscriptionCreated, SubscriptionDeleted, SubscriptionSuspended
from libs.shared.store.protocol import Document, Index


class State(StrEnum):
    """Whether anything is delivered."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Subscription(Document):
    """One wish of one user. Names are a user's own: nobody learns what others have."""

    COLLECTION: ClassVar[str] = "subscriptions"
    KEY: ClassVar[str] = "path"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("owner", "name")), Index(("path",)), Index(("state",)))

    path: str
    """`owner/name`."""
    uid: str
    """What its deliveries name it by: a later one of the same name is another one."""
    name: str
    owner: str
    types: tuple[str, ...]
    """Events by their one spelling."""
    workspace: str = ""
    """Only what happened there; anywhere that the owner sees when empty."""
    url: str
    secret: str
    """Sealed."""
    created_at: datetime
    cursor: int
    """Position up to which the log has been looked through for it."""
    replays: int = 0
    """Grows when the cursor is put back, so that what was under way then does not put it on again."""
    state: State = State.ACTIVE
    reason: str = ""
    """Why it is suspended."""


class Removed(Document):
    """A subscription that is gone, until its deliveries are."""

    COLLECTION: ClassVar[str] = "removed"
    KEY: ClassVar[str] = "uid"

    uid: str


def key_of(owner: str, name: str) -> str:
    """Its key in the store."""
    return f"{owner}/{name}"


def belongs(subscription: Subscription) -> str:
    """What its secret is sealed to."""
    return f"subscriptions/{subscription.uid}/secret"


def created(subscription: Subscription) -> SubscriptionCreated:
    """That it is there."""
    return SubscriptionCreated(
        subscription=subscription.name, owner=subscription.owner, types=subscription.types, by=subscription.owner
    )


def deleted(subscription: Subscription, by: str) -> SubscriptionDeleted:
    """That it is gone."""
    return SubscriptionDeleted(subscription=subscription.name, owner=subscription.owner, by=by)


def suspend(subscription: Subscription, reason: str) -> tuple[Subscription, SubscriptionSuspended]:
    """Deliver nothing more until its owner asks for it."""
    halted = subscription.model_copy(update={"state": State.SUSPENDED, "reason": reason})
    return halted, SubscriptionSuspended(subscription=subscription.name, owner=subscription.owner, reason=reason)


def replay(subscription: Subscription, start: int) -> Subscription:
    """Begin again with the entry at this position."""
    return subscription.model_copy(
        update={"cursor": start - 1, "replays": subscription.replays + 1, "state": State.ACTIVE, "reason": ""}
    )
