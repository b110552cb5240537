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


EVENTS: tuple[type[Event], ...] = (
    LetterQueued,
    LetterSent,
    LetterUndeliverable,
)
