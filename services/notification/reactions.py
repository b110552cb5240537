"""Accounts' events -> addresses and letters. Nothing here talks to a mail server: workers.py does."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import (
    UserChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    WorkspaceMemberInvited,
)
from libs.shared.contracts.alerting_v1 import AlertFiring, AlertResolved
from libs.shared.contracts.notification_v1 import LetterQueued, NoticeQueued
from libs.shared.event import Envelope
from libs.shared.service import Follow, On
from libs.shared.store.protocol import Unit
from services.notification.commands import letter as commands
from services.notification.commands import signal as signals
from services.notification.domain.texts import Occasion
from services.notification.parts import Parts

PLATFORM = "system:"


async def welcome_user(unit: Unit, event: UserCreated) -> None:
    """Keep the address and queue a welcome; accounts that the platform makes for itself get none."""
    await commands.keep_address(unit, event.user, email=event.email, lang=event.lang)
    if not event.by.startswith(PLATFORM):
        await commands.queue_letter(unit, Occasion.WELCOME, event.user, {})


async def follow_address(unit: Unit, event: UserChanged) -> None:
    """Later letters go to the new address."""
    await commands.keep_address(unit, event.user, email=event.email, lang=event.lang)


async def forget_user(unit: Unit, event: UserDeleted) -> None:
    """Erase the address."""
    await commands.forget_address(unit, event.user)


async def tell_disabled(unit: Unit, event: UserDisabled) -> None:
    """Queue the news that the account was disabled."""
    await commands.queue_letter(unit, Occasion.DISABLED, event.user, {})


async def tell_invited(unit: Unit, event: WorkspaceMemberInvited) -> None:
    """Queue the news that somebody was made a member of a workspace."""
    words = {"workspace": event.workspace, "role": event.role, "by": event.by or "An administrator"}
    await commands.queue_letter(unit, Occasion.INVITED, event.user, words)


async def ring(event: LetterQueued, envelope: Envelope, parts: Parts) -> None:  # noqa: ARG001  # a follower's signature
    """Wake the worker, in whichever process it runs."""
    parts.bells.letters.ring()


async def wake_notices(event: NoticeQueued, envelope: Envelope, parts: Parts) -> None:  # noqa: ARG001  # the same
    """Wake the one that sends to webhooks and chats."""
    parts.bells.notices.ring()


async def wake_gathering(event: AlertFiring, envelope: Envelope, parts: Parts) -> None:  # noqa: ARG001  # the same
    """Wake the one that tells receivers: it finds out how long there is to wait."""
    parts.bells.signals.ring()


async def gather_firing(unit: Unit, event: AlertFiring) -> None:
    """Note that an alert fires; receivers are told of it with its bunch."""
    await signals.gather(unit, event)


async def gather_resolved(unit: Unit, event: AlertResolved) -> None:
    """Note that it is over."""
    await signals.gather(unit, event)


REACTIONS = (
    On(UserCreated, welcome_user),
    On(UserChanged, follow_address),
    On(UserDeleted, forget_user),
    On(UserDisabled, tell_disabled),
    On(WorkspaceMemberInvited, tell_invited),
    On(AlertFiring, gather_firing),
    On(AlertResolved, gather_resolved),
)
FOLLOWS = (Follow(LetterQueued, ring), Follow(NoticeQueued, wake_notices), Follow(AlertFiring, wake_gathering))
