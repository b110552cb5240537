"""Who is calling: a short-lived header signed by the gateway (Ed25519), verified by every service.

The header is `base64url(JSON).base64url(signature)`. It covers audience, method, raw path with query, a nonce and, for
a small body, its SHA-256; it lives 30 seconds. Services hold the public half of the key alone.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.shared.errors import Busy, Unauthenticated
from libs.shared.values import Clock, Ids

HEADER = "Orrery-Identity"
TOLD = "Orrery-Told"
"""On a reply to a write: `UserCreated=<event id>, …`, which the gateway waits to see before it passes the reply on."""
LIFE = timedelta(seconds=30)
SKEW = timedelta(seconds=5)
"""How far the gateway's clock may be ahead of a service's."""
SMALL_BODY = 64 << 10
"""Bytes of a body up to which its digest is signed."""
LARGEST_ANSWERS = 4 << 10
"""Bytes of JSON beyond which an answer travels as a marker, to be asked for."""
ASK: Mapping[str, bool] = {"ask": True}
"""Stands for an answer that is too large for a header."""
MOST_NONCES = 100_000
READING = frozenset({"GET", "HEAD", "OPTIONS"})

ANONYMOUS = "system:anonymous"
GATEWAY = "system:gateway"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, as the gateway authenticated him, and its answers to the route's questions.

    `user` is `system:anonymous` for nobody and `system:gateway` for the gateway itself.
    """

    user: str
    groups: tuple[str, ...]
    issued: datetime
    session: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source_ip: str = ""
    user_agent: str = ""
    request_id: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


IDENTITY = web.RequestKey("orrery.identity", Identity)


def caller(request: web.Request) -> Identity:
    """The verified identity of this request."""
    return request[IDENTITY]


@dataclass(frozen=True, slots=True)
class Signed:
    """What one header is good for."""

    audience: str
    method: str
    target: str
    """Raw path with query, as it stands on the request line."""
    digest: str = ""
    """SHA-256 of a small body in hexadecimal; empty when it isn't covered."""


class Signer:
    """The gateway's half."""

    def __init__(self, key: Ed25519PrivateKey, clock: Clock, ids: Ids) -> None:
        self._key, self._clock, self._ids = key, clock, ids

    def sign(self, signed: Signed, identity: Identity) -> str:
        """The header for one request; the identity's own `issued` is replaced by now."""
        answers = {name: self._fitting(answer) for name, answer in identity.answers.items()}
        payload = orjson.dumps(
            {
                "aud": signed.audience,
                "mth": signed.method,
                "tgt": signed.target,
                "dig": signed.digest,
                "iat": self._clock().timestamp(),
                "jti": self._ids(),
                "usr": identity.user,
                "grp": identity.groups,
                "ses": identity.session,
                "ext": identity.extra,
                "ip": identity.source_ip,
                "ua": identity.user_agent,
                "rid": identity.request_id,
                "ans": answers,
            }
        )
        return f"{_text(payload)}.{_text(self._key.sign(payload))}"

    @staticmethod
    def _fitting(answer: Any) -> Any:
        return answer if isinstance(answer, bool) or len(orjson.dumps(answer)) <= LARGEST_ANSWERS else ASK


class Verifier:
    """A service's half. Remembers the nonces of writes for as long as their headers live, up to a bound."""

    def __init__(self, key: Ed25519PublicKey, audience: str, clock: Clock) -> None:
        self._key, self._audience, self._clock = key, audience, clock
        self._nonces: OrderedDict[str, datetime] = OrderedDict()

    def verify(self, header: str, method: str, target: str) -> tuple[Identity, str]:
        """The identity, and the digest that the body must have (empty: any). Raises `Unauthenticated`."""
        claims = self._claims(header)
        if not hmac.compare_digest(claims["aud"], self._audience):
            raise Unauthenticated("identity-audience", "the identity is for another service")
        if claims["mth"] != method or claims["tgt"] != target:
            raise Unauthenticated("identity-target", "the identity is for another request")
        if method not in READING:
            self._once(claims["jti"])
        return _identity(claims), claims["dig"]

    def forwarded(self, header: str) -> Identity:
        """The identity in a header that a service passes back on its caller's behalf, whatever request it was for."""
        return _identity(self._claims(header))

    def _claims(self, header: str) -> dict[str, Any]:
        payload, _, signature = header.partition(".")
        try:
            raw = _bytes(payload)
            self._key.verify(_bytes(signature), raw)
            claims: dict[str, Any] = orjson.loads(raw)
        except (InvalidSignature, binascii.Error, ValueError):
            raise Unauthenticated(
                "identity-unsigned", "the request carries no identity signed by the gateway"
            ) from None
        age = self._clock() - datetime.fromtimestamp(claims["iat"], UTC)
        if not -SKEW <= age <= LIFE:
            text = f"the identity is {age.total_seconds():.0f} s old and lives {LIFE.seconds} s: do the clocks agree?"
            raise Unauthenticated("identity-expired", text)
        return claims

    def _once(self, nonce: str) -> None:
        now = self._clock()
        while self._nonces and next(iter(self._nonces.values())) < now - LIFE - SKEW:
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise Unauthenticated("identity-replayed", "the identity of this write was used before")
        if len(self._nonces) >= MOST_NONCES:
            raise Busy("identity-nonces", "too many writes within half a minute", retry_after=1)
        self._nonces[nonce] = now


def _identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(
        user=claims["usr"],
        groups=tuple(claims["grp"]),
        issued=datetime.fromtimestamp(claims["iat"], UTC),
        session=claims["ses"],
        extra={key: tuple(values) for key, values in claims["ext"].items()},
        source_ip=claims["ip"],
        user_agent=claims["ua"],
        request_id=claims["rid"],
        answers=claims["ans"],
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
