"""GENERATED from proto/orrery/events/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Int64
from libs.shared.event import Event


class LogInterrupted(Event):
    """The bus no longer kept what the log had not read yet, so that is missing from it. Its subject is log/entries."""

    SERVICE: ClassVar[str] = "events"

    after: str = ""
    """The bus's position that the log had read up to."""
    position: Int64 = 0
    """The log's own last position before the gap."""


class SubscriptionCreated(Event):
    """Somebody wants to be told of events. Its subject is subscriptions/<uid>."""

    SERVICE: ClassVar[str] = "events"

    subscription: str = ""
    owner: str = ""
    types: tuple[str, ...] = ()
    by: str = ""


class SubscriptionDeleted(Event):
    """SubscriptionDeleted."""

    SERVICE: ClassVar[str] = "events"

    subscription: str = ""
    owner: str = ""
    by: str = ""


class SubscriptionSuspended(Event):
    """Nothing is delivered until its owner has it replayed."""

    SERVICE: ClassVar[str] = "events"

    subscription: str = ""
    owner: str = ""
    reason: str = ""


class DeliveryAbandoned(Event):
    """An event did not arrive however often it was tried; those behind it go on."""

    SERVICE: ClassVar[str] = "events"

    subscription: str = ""
    owner: str = ""
    event: str = ""
    """Id of the event."""
    position: Int64 = 0
    attempts: int = 0
    status: int = 0
    """Of the receiver's last answer; 0 when there was none."""


EVENTS: tuple[type[Event], ...] = (
    LogInterrupted,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionSuspended,
    DeliveryAbandoned,
)
