"""A letter from its being queued to its being sent or given up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from libs.shared.contracts.notification_v1 import LetterQueued, LetterSent, LetterUndeliverable
from libs.shared.errors import Busy, Conflict, Invalid
from libs.shared.store.protocol import Document, Index
from services.notification.domain.address import Address
from services.notification.domain.texts import Occasion, worded

LONGEST_REASON = 300


class Refused(Invalid):
    """The mail server will not take this letter, now or later (RFC 5321: a reply of 5yz)."""


class Unreachable(Busy):
    """No mail server that takes letters of ours at all, for now."""


class State(StrEnum):
    """Where a letter stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"


ENDED = (State.SENT, State.UNDELIVERABLE)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a letter is tried: pauses double from `first` to `most` seconds, until `give_up`."""

    first: float
    most: float
    give_up: float


class Letter(Document):
    """One letter to one user. Its id and Message-ID come from the event and the user alone, and never change."""

    COLLECTION: ClassVar[str] = "letters"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("order",)),
        Index(("to", "order")),
        Index(("state", "order")),
        Index(("state", "due_at")),
    )

    id: str
    message_id: str
    user: str
    to: str
    occasion: Occasion
    subject: str
    body: str
    state: State = State.QUEUED
    attempts: int = 0
    order: str
    """Sorts by the moment of queuing, then by id: where a page of a listing begins."""
    queued_at: datetime
    since: datetime
    """From when on patience counts: the moment of queuing, or of the last wish to send it again."""
    due_at: datetime
    sent_at: datetime | None = None
    last_error: str = ""
    via: str = ""
    """The config whose mail server takes it; empty for the platform's own."""
    event: str
    """Id of the event that it tells of."""
    correlation: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """The event that a letter tells of: its id, and the chain and trace that it is part of."""

    event: str
    correlation: str = ""
    traceparent: str = ""


def identity_of(event: str, user: str) -> str:
    """32 hexadecimal digits that name the letter to this user about this event."""
    return hashlib.sha256(f"{event}\0{user}".encode()).hexdigest()[:32]


def write(
    occasion: Occasion, address: Address, words: Mapping[str, str], reason: Reason, at: datetime
) -> tuple[Letter, LetterQueued]:
    """A letter that waits to be sent."""
    name = identity_of(reason.event, address.user)
    subject, body = worded(occasion, address.lang, {**words, "user": address.user})
    who = {"user": address.user, "to": address.email, "occasion": occasion, "subject": subject, "body": body}
    letter = Letter(**_begun(name, at), **_told(reason), **who)
    return letter, queued(letter)


def alarm(
    name: str, where: tuple[str, str], text: tuple[str, str], reason: Reason, at: datetime
) -> tuple[Letter, LetterQueued]:
    """A letter about alerts: `where` is an address, which need be no user's, and the config that it goes by."""
    what = {
        "user": "",
        "occasion": Occasion.ALERT,
        "to": where[0],
        "via": where[1],
        "subject": text[0],
        "body": text[1],
    }
    letter = Letter(**_begun(name, at), **_told(reason), **what)
    return letter, queued(letter)


def _begun(name: str, at: datetime) -> dict[str, Any]:
    return {
        "id": name,
        "message_id": f"<{name}@notification.orrery.io>",
        "order": f"{place(at)}-{name}",
        "queued_at": at,
        "since": at,
        "due_at": at,
    }


def _told(reason: Reason) -> dict[str, str]:
    return {"event": reason.event, "correlation": reason.correlation, "traceparent": reason.traceparent}


def place(at: datetime) -> str:
    """Where the letters of a moment stand in the order of all."""
    return f"{at:%Y%m%dT%H%M%S%f}"


def queued(letter: Letter) -> LetterQueued:
    """That it waits."""
    return LetterQueued(
        letter=letter.id, user=letter.user, occasion=letter.occasion.value, message_id=letter.message_id
    )


def begin(letter: Letter) -> Letter:
    """One more attempt starts."""
    return letter.model_copy(update={"state": State.SENDING, "attempts": letter.attempts + 1})


def resume(letter: Letter, at: datetime) -> Letter:
    """Whoever was sending it is gone; whether it was accepted is unknown, so it is sent again under its Message-ID."""
    return letter.model_copy(update={"state": State.QUEUED, "due_at": at})


def accept(letter: Letter, at: datetime) -> tuple[Letter, LetterSent]:
    """A mail server has it."""
    sent = letter.model_copy(update={"state": State.SENT, "sent_at": at, "last_error": ""})
    event = LetterSent(letter=letter.id, user=letter.user, message_id=letter.message_id, attempts=letter.attempts)
    return sent, event


def refuse(letter: Letter, error: str, at: datetime) -> tuple[Letter, LetterUndeliverable]:
    """Given up. The error stays with the letter; the event names the kind of it only, as errors hold addresses."""
    return _give_up(letter, error, "refused", at)


def put_off(letter: Letter, error: str, at: datetime, patience: Patience) -> tuple[Letter, LetterUndeliverable | None]:
    """Try again later, or give up when patience is at its end."""
    due = at + timedelta(seconds=pause(letter, patience))
    if due > letter.since + timedelta(seconds=patience.give_up):
        return _give_up(letter, error, "expired", at)
    return letter.model_copy(update={"state": State.QUEUED, "due_at": due, "last_error": error[:LONGEST_REASON]}), None


def pause(letter: Letter, patience: Patience) -> float:
    """Seconds until the next attempt: between half and the whole of a pause that doubles. Where in between comes from
    the letter itself, so that letters put off together spread and the decision needs no chance.
    """
    whole = min(patience.first * 2.0 ** min(letter.attempts - 1, 32), patience.most)
    spread = int(hashlib.sha256(f"{letter.id} {letter.attempts}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return whole * (0.5 + spread / 2)


def resend(letter: Letter, address: Address, at: datetime) -> tuple[Letter, LetterQueued]:
    """Try a letter again that was given up, at the user's present address; raises `Conflict` otherwise."""
    if letter.state is not State.UNDELIVERABLE:
        raise Conflict(
            "letter-not-undeliverable",
            f"letter {letter.id} is {letter.state}: only an undeliverable one is sent again",
            resource="letters",
            name=letter.id,
        )
    email = address.email if letter.user else letter.to
    if not email:
        raise Conflict("no-address", f"{letter.user} has no address", resource="letters", name=letter.id)
    again = {"state": State.QUEUED, "to": email, "since": at, "due_at": at}
    return letter.model_copy(update=again), queued(letter)


def _give_up(letter: Letter, error: str, reason: str, at: datetime) -> tuple[Letter, LetterUndeliverable]:
    lost = letter.model_copy(update={"state": State.UNDELIVERABLE, "due_at": at, "last_error": error[:LONGEST_REASON]})
    event = LetterUndeliverable(
        letter=letter.id,
        user=letter.user,
        message_id=letter.message_id,
        attempts=letter.attempts,
        reason=reason,
    )
    return lost, event
