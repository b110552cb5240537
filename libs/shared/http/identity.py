"""Who is calling: a short-lived header signed by the gateway (Ed25519), verified by every service. A service that asks
another in its own name signs with a key of its own, and its name is that key's.

The header is `base64url(JSON).base64url(signature)`. It covers audience, method, raw path with query (by digest: a path
may be longer than a header), a nonce and, for a small body, its SHA-256; it lives 30 seconds. Services hold the public
half of the key alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.shared.errors import TooLarge, Unauthenticated
from libs.shared.http.replay import Nonces
from libs.shared.values import Clock, Ids

HEADER = "Orrery-Identity"
TOLD = "Orrery-Told"
"""On a reply to a write: `UserCreated=<event id>, …`, which the gateway waits to see before it passes the reply on."""
LIFE = timedelta(seconds=30)
SKEW = timedelta(seconds=5)
"""How far the gateway's clock may be ahead of a service's."""
SMALL_BODY = 64 << 10
"""Bytes of a body up to which its digest is signed."""
LARGEST = 6 << 10
"""Bytes of a header. Where it would be larger, its largest answers travel as a marker, to be asked for."""
ASK: Mapping[str, bool] = {"ask": True}
"""Stands for an answer that is too large for a header; `answers.answer` fetches it."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})

ANONYMOUS = "system:anonymous"
GATEWAY = "system:gateway"
SERVICE = "system:service:"
SERVICES = "orrery:services"
"""The group of every service that asks in its own name."""

KeyOf = Callable[[str], Ed25519PublicKey | None]
"""The public key of the service of this name; None for an unknown one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, as the gateway authenticated him, and its answers to the route's questions.

    `user` is `system:anonymous` for nobody, `system:gateway` for the gateway itself, and `system:service:<name>` for a
    service in its own name.
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
    service: str = ""
    """The service that asks in its own name, as its key says; empty for everyone whom the gateway vouches for."""


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
    """The gateway's half; or, with its name, a service's for what it asks itself."""

    def __init__(self, key: Ed25519PrivateKey, clock: Clock, ids: Ids, service: str = "") -> None:
        self._key, self._clock, self._ids = key, clock, ids
        self._issuer = {"iss": service} if service else {}

    def sign(self, signed: Signed, identity: Identity) -> str:
        """The header for one request; the identity's own `issued` is replaced by now.

        Raises `TooLarge` when groups and the like are too large by themselves.
        """
        nonce, made = self._ids(), self._clock().timestamp()
        while True:
            payload = orjson.dumps(_claims(signed, identity) | {"iat": made, "jti": nonce} | self._issuer)
            header = f"{_text(payload)}.{_text(self._key.sign(payload))}" if len(payload) < LARGEST else ""
            if header and len(header) <= LARGEST:
                return header
            identity = _smaller(identity)


def _claims(signed: Signed, identity: Identity) -> dict[str, Any]:
    return {
        "aud": signed.audience,
        "req": _bound(signed.method, signed.target),
        "dig": signed.digest,
        "usr": identity.user,
        "grp": identity.groups,
        "ses": identity.session,
        "ext": identity.extra,
        "ip": identity.source_ip,
        "ua": identity.user_agent,
        "rid": identity.request_id,
        "ans": identity.answers,
    }


def _bound(method: str, target: str) -> str:
    """Method and raw target as one short text; a method holds no blank."""
    return _text(hashlib.sha256(f"{method} {target}".encode("utf-8", "surrogateescape")).digest())


def _smaller(identity: Identity) -> Identity:
    """Without its largest answer, of which the marker stays. Raises `TooLarge` when nothing is left to leave out."""
    sizes = {name: len(orjson.dumps(answer)) for name, answer in identity.answers.items() if _weighs(answer)}
    if not sizes:
        raise TooLarge("identity-too-large", f"the identity of {identity.user} is larger than {LARGEST} bytes")
    largest = max(sizes, key=lambda name: sizes[name])
    return replace(identity, answers={**identity.answers, largest: ASK})


def _weighs(answer: Any) -> bool:
    """Whether the marker is less than the answer."""
    return not isinstance(answer, bool) and answer != ASK


class Verifier:
    """A service's half. Remembers the nonces of writes for as long as their headers live, up to a bound.

    A copy of the service on another machine has its own memory: there a repeat is found by the store's versions alone.
    """

    def __init__(
        self,
        key: Ed25519PublicKey,
        audience: str,
        clock: Clock,
        nonces: Nonces | None = None,
        services: KeyOf = lambda _: None,
    ) -> None:
        """`key` is the gateway's; `services` gives those of services, none unless given."""
        self.audience = audience
        self._key, self._clock, self._services = key, clock, services
        self._nonces = Nonces() if nonces is None else nonces

    def verify(self, header: str, method: str, target: str) -> tuple[Identity, str]:
        """The identity, and the digest that the body must have (empty: any).

        Raises `Unauthenticated`, and `Busy` when there are too many writes to tell a repeat from a new one.
        """
        claims = self._claims(header)
        if claims["aud"] != self.audience:
            raise Unauthenticated("identity-audience", "the identity is for another service")
        if not hmac.compare_digest(claims["req"], _bound(method, target)):
            raise Unauthenticated("identity-target", "the identity is for another request")
        if claims.get("iss") and not claims["dig"]:
            raise Unauthenticated("identity-body", "a service's identity covers the body")
        if method not in READING:
            self._once(claims)
        return _identity(claims), claims["dig"]

    def forwarded(self, header: str) -> Identity:
        """The identity in a header that a service passes back on its caller's behalf, whatever request it was for.
        Raises `Unauthenticated` for a service's own: it is nobody's to pass back.
        """
        claims = self._claims(header)
        if claims.get("iss"):
            raise Unauthenticated("identity-service", "a service's own identity is for one request")
        return _identity(claims)

    def _claims(self, header: str) -> dict[str, Any]:
        if not header:
            raise Unauthenticated("identity-missing", "this service is asked through the gateway only")
        payload, signature = _split(header)
        claims = _read(payload)
        try:
            self._key_of(claims.get("iss", "")).verify(signature, payload)
        except InvalidSignature:
            raise Unauthenticated("identity-unsigned", "the identity isn't signed by this suite's gateway") from None
        age = self._clock().timestamp() - claims["iat"]
        if not -SKEW.total_seconds() <= age <= LIFE.total_seconds():
            text = f"the identity is {age:.0f} s old and lives {LIFE.seconds} s: do the clocks agree?"
            raise Unauthenticated("identity-expired", text)
        return claims

    def _key_of(self, issuer: Any) -> Ed25519PublicKey:
        """Whose key has to have signed: the gateway's, or that of the service which the claims name."""
        if issuer == "":
            return self._key
        key = self._services(issuer) if isinstance(issuer, str) else None
        if key is None:
            raise Unauthenticated("identity-unknown", "the identity is of a service whose key isn't known here")
        return key

    def _once(self, claims: Mapping[str, Any]) -> None:
        until = claims["iat"] + LIFE.total_seconds()
        if not self._nonces.take(
            f"{claims.get('iss', '')}/{claims['jti']}", now=self._clock().timestamp(), until=until
        ):
            raise Unauthenticated("identity-replayed", "the identity of this write was used before")


def _split(header: str) -> tuple[bytes, bytes]:
    """Payload and signature; raises `Unauthenticated` for what is no header of ours."""
    payload, _, signature = header[: LARGEST + 1].partition(".")
    try:
        return _bytes(payload), _bytes(signature)
    except ValueError:
        raise Unauthenticated("identity-malformed", f"the {HEADER} header can't be read") from None


def _read(payload: bytes) -> dict[str, Any]:
    """Claims that nobody has vouched for yet."""
    try:
        claims = orjson.loads(payload)
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise Unauthenticated("identity-malformed", f"the {HEADER} header can't be read")
    return claims


def _identity(claims: Mapping[str, Any]) -> Identity:
    """Of a service nothing counts but its name, which is its key's: it can't say who else it would be."""
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    if issuer := claims.get("iss", ""):
        return Identity(SERVICE + issuer, (SERVICES,), issued, request_id=claims["rid"], service=issuer)
    return Identity(
        user=claims["usr"],
        groups=tuple(claims["grp"]),
        issued=issued,
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
