"""Access tokens: what makes one acceptable (iam-gateway 4.5, tightened as section 13 asks).

Only EdDSA with a key that accounts publishes is accepted, and only tokens issued as access tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.types import Options

from libs.shared.errors import Unauthenticated
from services.gateway.domain.caller import PRE_REGISTRATION

ALGORITHM = "EdDSA"
LONGEST = 8192
SEGMENTS = 3
REQUIRED = ("iss", "sub", "username", "token_type", "exp", "iat", "sid", "jti")
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()

Keys = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class Claims:
    """A token whose signature and kind are right; whether it is current is asked each time."""

    user: str
    session: str
    kid: str
    issued: datetime
    expires: datetime
    extra: Mapping[str, tuple[str, ...]]


def refused(slug: str, text: str) -> Unauthenticated:
    """The refusal of a token, worded for the 401."""
    return Unauthenticated(f"token-{slug}", text)


def key_of(token: str) -> str:
    """The id of the key that the token claims to be signed with; raises `Unauthenticated`."""
    if len(token) > LONGEST:
        raise refused("long", f"token is longer than {LONGEST} characters")
    if token.count(".") != SEGMENTS - 1:
        raise refused("segments", "token contains an invalid number of segments")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise refused("malformed", "token is malformed") from None
    if header.get("alg") != ALGORITHM:
        raise refused("algorithm", f"unexpected signature algorithm {str(header.get('alg'))[:32]}")
    return str(header.get("kid", ""))


def read_token(token: str, kid: str, key: Ed25519PublicKey, issuer: str) -> Claims:
    """The claims of a token signed with this key; raises `Unauthenticated` for anything else, a refresh token too."""
    options: Options = {"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_aud": False}
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
    except jwt.InvalidSignatureError:
        raise refused("signature", "signature is invalid") from None
    except jwt.MissingRequiredClaimError as error:
        raise refused("claim", f"token has no claim {error.claim}") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise refused("malformed", "token is malformed") from None
    return _claims(claims, kid, issuer)


def _claims(claims: Mapping[str, Any], kid: str, issuer: str) -> Claims:
    kind = claims["token_type"]
    if kind != "access_token":
        raise refused("type", f"token type {str(kind)[:32]} is not access_token")
    if claims["iss"] != issuer:
        raise refused("issuer", "token has another issuer")
    user = claims["username"]
    if not isinstance(user, str) or not user or user != claims["sub"]:
        raise refused("user", "token names no user, or two")
    if user.startswith("system:") and user != PRE_REGISTRATION:
        raise refused("user", "token names a user of the system")
    session = claims["sid"]
    if not isinstance(session, str) or not session:
        raise refused("session", "token names no session")
    return Claims(user, session, kid, _moment(claims["iat"]), _moment(claims["exp"]), _extra(claims.get("extra")))


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise refused("time", "token carries a time that is no number of seconds")
    return datetime.fromtimestamp(value, UTC)


def _extra(value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        return {}
    return {str(k): tuple(map(str, v)) for k, v in value.items() if isinstance(v, list)}


def require_current(claims: Claims, now: datetime, skew: timedelta) -> None:
    """Return when the token counts now; raises `Unauthenticated`. Expiry is strict, issue may be `skew` ahead."""
    if now >= claims.expires:
        raise refused("expired", f"jwt: token is expired by {_elapsed(now - claims.expires)}")
    if claims.issued > now + skew:
        raise refused("early", "jwt: token used before issued")


def _elapsed(passed: timedelta) -> str:
    """As Go words a duration, in whole seconds: `5m0s`."""
    seconds = int(passed.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
