"""Attempts to sign in: reserved before the password is looked at, settled after; counted exactly, and recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.accounts_v1 import LoginRecorded
from libs.shared.errors import Limited
from libs.shared.store.protocol import Document, Index
from services.accounts.domain.resource import USER_REF, Resource
from services.accounts.domain.user import State, User

SUCCESS = "authenticated successfully"
WRONG = "incorrect password"
INACTIVE = "account is not active"
LIMITED = "auth rate limit exceeded"
LAPSE = timedelta(seconds=60)
"""How long a reservation counts that was never settled, because the process died."""
LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX = 10


class Way(StrEnum):
    """How somebody signs in: `Token` at /oauth/token, `Password` with Basic authentication."""

    TOKEN = "Token"  # noqa: S105  # the wire's word
    PASSWORD = "Password"  # noqa: S105  # the wire's word


class LoginRecord(Resource):
    """How one attempt ended, kept for a while."""

    COLLECTION: ClassVar[str] = "loginrecords"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("user", "created_at")), Index(("created_at",)))
    WATCHED: ClassVar[bool] = True

    user: str
    type: Way
    provider: str = ""
    source_ip: str = ""
    user_agent: str = ""
    success: bool
    reason: str


class Reservation(BaseModel):
    """One attempt whose password is being looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    at: datetime


class Attempts(Document):
    """What counts towards a user's lock-out: failed attempts of late, and those under way."""

    COLLECTION: ClassVar[str] = "attempts"
    KEY: ClassVar[str] = "user"

    user: str
    failures: tuple[datetime, ...] = ()
    pending: tuple[Reservation, ...] = ()

    def fresh(self, at: datetime, limits: Limits) -> Attempts:
        """Without what no longer counts at this moment."""
        failures = tuple(f for f in self.failures if f > at - limits.window)
        pending = tuple(p for p in self.pending if p.at > at - LAPSE)
        return self.model_copy(update={"failures": failures, "pending": pending})

    def without(self, reservation: str) -> Attempts:
        """Without this reservation."""
        return self.model_copy(update={"pending": tuple(p for p in self.pending if p.id != reservation)})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many failed attempts in how long a time lock an account, for that time (spec 4.1)."""

    tries: int
    window: timedelta

    @property
    def text(self) -> str:
        """What a locked account says of itself."""
        return f"Failed login attempts exceed {self.tries} in last {self.window}"


@dataclass(frozen=True, slots=True)
class From:
    """Where an attempt comes from."""

    source_ip: str
    user_agent: str
    way: Way


def limited() -> Limited:
    """The fault for an account that takes no password now."""
    return Limited("too-many-failures", LIMITED)


def reserve(attempts: Attempts, reservation: str, *, locked: bool, at: datetime, limits: Limits) -> Attempts | None:
    """One attempt more under way; None, to be asked again, while the account would be locked if all that is under way
    failed: so a burst can't try more passwords than the limit. Raises `Limited` when it is locked.
    """
    fresh = attempts.fresh(at, limits)
    if locked or len(fresh.failures) >= limits.tries:
        raise limited()
    if len(fresh.failures) + len(fresh.pending) >= limits.tries:
        return None
    return fresh.model_copy(update={"pending": (*fresh.pending, Reservation(id=reservation, at=at))})


def locked(user: User, at: datetime) -> bool:
    """Whether the account takes no password at this moment."""
    return user.state == State.LOCKED and (user.locked_until is None or user.locked_until > at)


def failed(attempts: Attempts, reservation: str, *, at: datetime, limits: Limits) -> Attempts:
    """The attempt ended with a wrong password."""
    fresh = attempts.fresh(at, limits).without(reservation)
    return fresh.model_copy(update={"failures": (*fresh.failures, at)})


def record(user: str, ident: str, *, source: From, success: bool, reason: str, at: datetime) -> LoginRecord:
    """How an attempt ended."""
    return LoginRecord(
        name=f"{user}-{suffix(ident)}",
        uid=ident,
        labels={USER_REF: user},
        created_at=at,
        user=user,
        type=source.way,
        source_ip=source.source_ip,
        user_agent=source.user_agent[:512],
        success=success,
        reason=reason,
    )


def recorded(kept: LoginRecord) -> LoginRecorded:
    """That it was recorded."""
    return LoginRecorded(
        user=kept.user,
        record=kept.name,
        success=kept.success,
        type=kept.type,
        provider=kept.provider,
        source_ip=kept.source_ip,
        user_agent=kept.user_agent,
        reason=kept.reason,
    )


def suffix(ident: str) -> str:
    """The random end of a generated name, worked out from an id: letters that spell no word, as Kubernetes' own."""
    number = int.from_bytes(hashlib.blake2b(ident.encode(), digest_size=8).digest(), "big")
    letters = []
    for _ in range(SUFFIX):
        number, index = divmod(number, len(LETTERS))
        letters.append(LETTERS[index])
    return "".join(letters)
