"""GENERATED from proto/orrery/notification/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.event import Event


class LetterQueued(Event):
    """A letter to somebody waits to be sent. Its subject is letters/<id>."""

    SERVICE: ClassVar[str] = "notification"

    letter: str = ""
    user: str = ""
    occasion: str = ""
    """welcome, invited, disabled, …"""
    message_id: str = ""


class LetterSent(Event):
    """A mail server has accepted it."""

    SERVICE: ClassVar[str] = "notification"

    letter: str = ""
    user: str = ""
    message_id: str = ""
    attempts: int = 0


class LetterUndeliverable(Event):
    """Given up: refused for good, or not accepted within the set time."""

    SERVICE: ClassVar[str] = "notification"

    letter: str = ""
    user: str = ""
    message_id: str = ""
    attempts: int = 0
    reason: str = ""


class NoticeQueued(Event):
    """A message to a channel of a receiver waits to be sent. Its subject is notices/<id>."""

    SERVICE: ClassVar[str] = "notification"

    notice: str = ""
    receiver: str = ""
    channel: str = ""
    """webhook or slack."""


class NoticeDelivered(Event):
    """The receiver has taken it."""

    SERVICE: ClassVar[str] = "notification"

    notice: str = ""
    receiver: str = ""
    channel: str = ""
    attempts: int = 0


class NoticeAbandoned(Event):
    """Given up: refused for good, not taken within the set time, or the receiver is gone."""

    SERVICE: ClassVar[str] = "notification"

    notice: str = ""
    receiver: str = ""
    channel: str = ""
    attempts: int = 0
    reason: str = ""


class NotificationObjectCreated(Event):
    """A receiver, config, router, silence, secret or text of theirs was made. Its subject is <resource>/<name>."""

    SERVICE: ClassVar[str] = "notification"

    resource: str = ""
    """Plural, such as receivers."""
    name: str = ""
    owner: str = ""
    """The tenant; empty for the platform's own."""
    uid: str = ""
    by: str = ""


class NotificationObjectChanged(Event):
    """NotificationObjectChanged."""

    SERVICE: ClassVar[str] = "notification"

    resource: str = ""
    name: str = ""
    owner: str = ""
    uid: str = ""
    by: str = ""


class NotificationObjectDeleted(Event):
    """NotificationObjectDeleted."""

    SERVICE: ClassVar[str] = "notification"

    resource: str = ""
    name: str = ""
    owner: str = ""
    uid: str = ""
    by: str = ""


EVENTS: tuple[type[Event], ...] = (
    LetterQueued,
    LetterSent,
    LetterUndeliverable,
    NoticeQueued,
    NoticeDelivered,
    NoticeAbandoned,
    NotificationObjectCreated,
    NotificationObjectChanged,
    NotificationObjectDeleted,
)
