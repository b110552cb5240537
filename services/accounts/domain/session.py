"""A session: one sign-in and the family of token pairs that grew out of it.

A pair is its session and a number; whoever shows the refresh token of pair n gets pair n + 1. Claims follow from the
session alone and signatures are deterministic, so a client that lost an answer and asks again within a short time gets
the same pair; later, somebody holds a copy of the token, and the whole family ends (RFC 9700, section 4.14.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from libs.shared.contracts.accounts_v1 import SessionEnded, SessionStarted
from libs.shared.store.protocol import Document, Index
from services.accounts.domain.user import UNINITIALIZED, User

REPEAT = timedelta(seconds=30)
"""How long a refresh token may be shown again."""


class Kind(StrEnum):
    """What a token is for; each is taken only for that (KubeSphere takes any as an access token: not copied)."""

    ACCESS = "access_token"
    REFRESH = "refresh_token"


class Session(Document):
    """One sign-in. `pair` counts from 1; `paired_at` is when the present pair was issued, in whole seconds."""

    COLLECTION: ClassVar[str] = "sessions"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("user",)), Index(("expires_at",)))

    id: str
    user: str
    started_at: datetime
    pair: int = 1
    paired_at: datetime
    rotated_at: datetime
    expires_at: datetime
    """When its refresh token expires, the last of its tokens."""
    uninitialized: bool = False
    ended: str = ""
    """Why it ended; empty while it lasts."""


@dataclass(frozen=True, slots=True)
class Life:
    """How long tokens live: the access token, and the refresh token beyond that."""

    access: timedelta
    idle: timedelta


def start(user: User, ident: str, *, at: datetime, life: Life) -> tuple[Session, SessionStarted]:
    """A new session with its first pair."""
    whole = at.replace(microsecond=0)
    session = Session(
        id=ident,
        user=user.name,
        started_at=at,
        paired_at=whole,
        rotated_at=at,
        expires_at=whole + life.access + life.idle,
        uninitialized=user.annotations.get(UNINITIALIZED) == "true",
    )
    return session, SessionStarted(session=ident, user=user.name, expires_at=session.expires_at)


def refresh(session: Session, user: User, pair: int, *, at: datetime, life: Life) -> Session | None:
    """The session that answers whoever shows the refresh token of this pair: with the next pair, unchanged for a
    repeat, or None when the token is known to others.
    """
    if pair == session.pair:
        whole = at.replace(microsecond=0)
        update = {
            "pair": session.pair + 1,
            "paired_at": whole,
            "rotated_at": at,
            "expires_at": whole + life.access + life.idle,
            "uninitialized": user.annotations.get(UNINITIALIZED) == "true",
        }
        return session.model_copy(update=update)
    if pair == session.pair - 1 and at - session.rotated_at <= REPEAT:
        return session
    return None


def end(session: Session, reason: str) -> tuple[Session, SessionEnded]:
    """Its tokens are worthless from now on. Reasons: logout, disabled, deleted, password-changed, token-reused."""
    event = SessionEnded(session=session.id, user=session.user, reason=reason, expires_at=session.expires_at)
    return session.model_copy(update={"ended": reason}), event


def claims(session: Session, kind: Kind, *, issuer: str, life: Life) -> Mapping[str, Any]:
    """What the token says (spec 4.5, and `sid`, `jti` of RFC 7519 and OpenID Connect)."""
    lasts = life.access + (life.idle if kind is Kind.REFRESH else timedelta())
    said: dict[str, Any] = {
        "iss": issuer,
        "sub": session.user,
        "username": session.user,
        "iat": int(session.paired_at.timestamp()),
        "exp": int((session.paired_at + lasts).timestamp()),
        "token_type": kind.value,
        "sid": session.id,
        "jti": f"{session.id}.{session.pair}.{kind.value[0]}",
    }
    if session.uninitialized:
        said["extra"] = {"uninitialized": ["true"]}
    return said


def pair_of(said: Mapping[str, Any]) -> int:
    """The number of the pair that a token belongs to, by its `jti`; 0 for none."""
    pair = str(said.get("jti", "")).rpartition(".")[0].rpartition(".")[2]
    return int(pair) if pair.isdigit() else 0
