"""The signed identity: what it carries, what it is bound to, how long it lives, and that a write's is used once."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Busy, TooLarge, Unauthenticated
from libs.shared.http.identity import ASK, LARGEST, LIFE, SKEW, Identity, Signed, Signer, Verifier
from libs.shared.http.replay import Nonces
from libs.shared.testing.clock import VirtualClock

KEY = Ed25519PrivateKey.generate()
TARGET = "/kapis/iam.kubesphere.io/v1alpha2/users/b%2Fob?limit=1&x=%00"


class Pair:
    """A gateway and a service with clocks of their own."""

    def __init__(self, *, most: int = 100) -> None:
        self.gateway, self.service = VirtualClock(), VirtualClock()
        numbers = itertools.count()
        self.signer = Signer(KEY, self.gateway, lambda: f"n{next(numbers)}")
        self.nonces = Nonces(most)
        self.verifier = Verifier(KEY.public_key(), "accounts", self.service, self.nonces)

    def who(self) -> Identity:
        return Identity(
            user="ann",
            groups=("staff", "system:authenticated"),
            issued=self.gateway(),
            session="s1",
            extra={"scopes": ("a", "b")},
            source_ip="192.0.2.1",
            user_agent="curl/8 \u00e4",
            request_id="r1",
            answers={"all": False, "workspaces": ["ws1", "ws2"]},
        )

    def header(self, method: str = "GET", target: str = TARGET, audience: str = "accounts", digest: str = "") -> str:
        return self.signer.sign(Signed(audience, method, target, digest), self.who())

    def refused(self, header: str, method: str = "GET", target: str = TARGET) -> str:
        with pytest.raises(Unauthenticated) as refusal:
            self.verifier.verify(header, method, target)
        return refusal.value.slug


def test_all_of_it_arrives() -> None:
    """Caller, groups, answers and the rest come out as they went in, and the digest besides."""
    pair = Pair()
    assert pair.verifier.verify(pair.header(digest="d1"), "GET", TARGET) == (pair.who(), "d1")
    assert pair.header().isascii()


def test_it_is_for_one_request_of_one_service() -> None:
    """Another audience, method, path, query or spelling of the path is refused."""
    pair = Pair()
    assert pair.refused(pair.header(audience="events")) == "identity-audience"
    assert pair.refused(pair.header(), method="DELETE") == "identity-target"
    for target in (TARGET + "&", TARGET.replace("%2F", "/"), TARGET.replace("users", "groups"), ""):
        assert pair.refused(pair.header(), target=target) == "identity-target"


async def test_it_lives_half_a_minute() -> None:
    """Accepted up to 30 s, and from a clock that is a little ahead; refused outside."""
    pair = Pair()
    header = pair.header()
    await pair.service.advance(LIFE.total_seconds())
    assert pair.verifier.verify(header, "GET", TARGET)[0].user == "ann"
    await pair.service.advance(0.001)
    assert pair.refused(header) == "identity-expired"
    early = Pair()
    await early.gateway.advance(SKEW.total_seconds())
    assert early.verifier.verify(early.header(), "GET", TARGET)[0].user == "ann"
    await early.gateway.advance(0.001)
    assert early.refused(early.header()) == "identity-expired"


def test_a_writes_identity_is_used_once() -> None:
    """A read may be repeated, a write may not, whatever its method."""
    pair = Pair()
    reading = pair.header()
    assert pair.verifier.verify(reading, "GET", TARGET) == pair.verifier.verify(reading, "GET", TARGET)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        header = pair.header(method)
        pair.verifier.verify(header, method, TARGET)
        assert pair.refused(header, method) == "identity-replayed"


async def test_the_memory_of_writes_is_bounded_and_never_forgets_early() -> None:
    """When it is full, writes wait rather than that one could be repeated; when lives end, there is room again."""
    pair = Pair(most=2)
    headers = [pair.header("POST") for _ in range(3)]
    for header in headers[:2]:
        pair.verifier.verify(header, "POST", TARGET)
    with pytest.raises(Busy):
        pair.verifier.verify(headers[2], "POST", TARGET)
    assert pair.refused(headers[0], "POST") == "identity-replayed"
    await pair.gateway.advance(31)
    await pair.service.advance(31)
    pair.verifier.verify(pair.header("POST"), "POST", TARGET)
    assert len(pair.nonces) == 1


def test_a_refused_write_uses_nothing_up() -> None:
    """Who sends a header to the wrong path can't make its right use fail."""
    pair = Pair()
    header = pair.header("POST")
    assert pair.refused(header, "POST", "/other") == "identity-target"
    assert pair.verifier.verify(header, "POST", TARGET)[0].user == "ann"


def test_forged_and_broken_headers() -> None:
    """Another key, a changed payload, a swapped signature, garbage and nothing at all are refused, each by its slug."""
    pair = Pair()
    header = pair.header()
    payload, signature = header.split(".")
    claims = orjson.loads(urlsafe_b64decode(payload + "=="))
    forged = urlsafe_b64encode(orjson.dumps(claims | {"usr": "admin"})).decode().rstrip("=")
    other = Signer(Ed25519PrivateKey.generate(), pair.gateway, lambda: "n").sign(
        Signed("accounts", "GET", TARGET), pair.who()
    )
    for broken in (f"{forged}.{signature}", f"{payload}.{pair.header().split('.')[1]}", other, payload, f"{payload}."):
        assert pair.refused(broken) == "identity-unsigned"
    assert pair.refused("") == "identity-missing"
    for garbage in ("\u00e4.\u00e4", "a.b", "x" * (LARGEST + 1), "a.b.c.d"):
        assert pair.refused(garbage) in ("identity-malformed", "identity-unsigned")


@given(st.text(max_size=200))
def test_no_text_passes(text: str) -> None:
    """Whatever stands in the header, it is refused and nothing else happens."""
    assert Pair().refused(text).startswith("identity-")


def test_large_answers_stay_with_the_gateway() -> None:
    """The largest are replaced by a marker until the header fits; small ones and bools still travel."""
    pair = Pair()
    many = [f"workspace-{number:05}" for number in range(2000)]
    who = replace(pair.who(), answers={"all": True, "few": ["ws1"], "many": many, "more": many[:1000]})
    header = pair.signer.sign(Signed("accounts", "GET", TARGET), who)
    assert len(header) <= LARGEST
    found = pair.verifier.verify(header, "GET", TARGET)[0].answers
    assert found == {"all": True, "few": ["ws1"], "many": ASK, "more": ASK}


def test_a_caller_who_fits_no_header_is_an_error() -> None:
    """Thousands of groups can't be left out: the gateway is told instead of a service being misled."""
    pair = Pair()
    who = replace(pair.who(), groups=tuple(f"group-{number}" for number in range(2000)))
    with pytest.raises(TooLarge, match="ann"):
        pair.signer.sign(Signed("accounts", "GET", TARGET), who)


def test_a_long_target_fits() -> None:
    """A path and query of 16 KiB, with bytes that are no UTF-8, is bound as any other."""
    pair = Pair()
    target = "/x?" + "a" * 16_000 + b"\xff".decode("utf-8", "surrogateescape")
    assert pair.verifier.verify(pair.header(target=target), "GET", target)[0].user == "ann"
    assert pair.refused(pair.header(target=target), target=target[:-1]) == "identity-target"


async def test_a_forwarded_identity_is_alive_and_signed() -> None:
    """A service hands its caller's identity back for another path; expired or forged it is refused."""
    pair = Pair()
    header = pair.header("POST", audience="events")
    assert pair.verifier.forwarded(header).user == "ann"
    assert pair.verifier.forwarded(header).user == "ann"
    payload, _, signature = header.partition(".")
    forged = ("B" if signature.startswith("A") else "A") + signature[1:]  # the last letters hold bits that say nothing
    with pytest.raises(Unauthenticated):
        pair.verifier.forwarded(f"{payload}.{forged}")
    await pair.service.advance(timedelta(seconds=31).total_seconds())
    with pytest.raises(Unauthenticated):
        pair.verifier.forwarded(header)
