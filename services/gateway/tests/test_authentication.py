"""Signing in: which tokens and passwords count, and in which words the others are refused."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.testing.clock import eventually
from services.gateway.tests.conftest import Stage
from services.gateway.tests.standin import IAM, PASSWORD

SELF = IAM + "/users/out"
BAD_CLAIMS: list[tuple[dict[str, Any], str]] = [  # a timedelta is so long from the test's own now
    ({"token_type": "refresh_token"}, "token type refresh_token is not access_token"),
    ({"token_type": "id_token"}, "token type id_token is not access_token"),
    ({"token_type": None}, "token has no claim token_type"),
    ({"exp": -timedelta(minutes=5)}, "jwt: token is expired by 5m"),
    ({"exp": None}, "token has no claim exp"),
    ({"exp": True}, "token"),
    ({"exp": 1e300}, "token carries a time that is no number of seconds"),
    ({"iat": timedelta(minutes=5)}, "jwt: token used before issued"),
    ({"iss": "other"}, "token has another issuer"),
    ({"username": "admin"}, "token names no user, or two"),
    ({"sub": "admin"}, "token names no user, or two"),
    ({"sub": "system:gateway", "username": "system:gateway"}, "token names a user of the system"),
    ({"sub": "ghost", "username": "ghost"}, 'user.iam.kubesphere.io "ghost" not found'),
    ({"sid": None}, "token has no claim sid"),
    ({"sid": ""}, "token names no session"),
]


@pytest.mark.parametrize(("claims", "text"), BAD_CLAIMS)
async def test_refuses_tokens_that_do_not_count(stage: Stage, claims: dict[str, Any], text: str) -> None:
    """Of another type, time, issuer, user or session: each is a 401 in the words that clients know."""
    now = datetime.now(UTC)
    given = {k: int((now + v).timestamp()) if isinstance(v, timedelta) else v for k, v in claims.items()}
    code, body = await stage.ask("", "GET", SELF, headers=stage.headers("out", **given))
    assert code == 401
    assert body["message"].startswith(f"Unauthorized: {text}")
    assert (body["reason"], body["kind"]) == ("Unauthorized", "Status")
    assert "details" not in body


async def test_refuses_tokens_that_were_not_issued_by_us(stage: Stage) -> None:
    """`none`, HMAC with the public key as secret, another key, another key's id, a changed signature: all refused."""
    key = stage.accounts.key
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    good = stage.accounts.token("out")
    head, body, signature = good.split(".")
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", algorithm="none")
    forged = {
        unsigned: "unexpected signature algorithm none",
        stage.accounts.token("out", key=public, algorithm="HS256"): "unexpected signature algorithm HS256",
        stage.accounts.token("out", key=Ed25519PrivateKey.generate()): "signature is invalid",
        stage.accounts.token("out", kid="other"): "token is signed with a key that is not known",
        f"{head}.{body}.{'A' * len(signature)}": "signature is invalid",
        f"{head}.{body}.": "signature is invalid",
        f"{head}.{body}": "token contains an invalid number of segments",
        "nonsense": "token contains an invalid number of segments",
        "a.b.c": "token is malformed",
        "..": "token is malformed",
        "x" * 9000: "token is longer than 8192 characters",
    }
    for token, text in forged.items():
        code, answer = await stage.ask("", "GET", SELF, headers={"Authorization": f"Bearer {token}"})
        assert (code, answer["message"]) == (401, f"Unauthorized: {text}")


async def test_keys_are_not_looked_up_for_every_invented_id(stage: Stage) -> None:
    """Anybody can invent a key's id: accounts is asked a bounded number of times."""
    before = stage.accounts.keys_asked
    for i in range(10):
        await stage.ask("", "GET", SELF, headers=stage.headers("out", kid=f"k{i}x"))
    assert stage.accounts.keys_asked - before <= 2


@pytest.mark.parametrize("header", ["Foo x", "Bearer", "Basic"])
async def test_odd_schemes_get_the_odd_message(stage: Stage, header: str) -> None:
    """The original's words for a header that nobody recognises."""
    code, body = await stage.ask("", "GET", IAM + "/users", headers={"Authorization": header})
    assert (code, body["message"]) == (401, "Unauthorized: %!s(<nil>)")


async def test_a_blank_header_is_nobody(stage: Stage) -> None:
    """No or blank credentials are the anonymous user, who is refused by his roles."""
    code, body = await stage.ask("", "GET", IAM + "/users", headers={"Authorization": " "})
    assert code == 403
    assert "system:anonymous" in body["message"]


async def test_the_token_endpoint_ignores_a_stale_bearer(stage: Stage) -> None:
    """The console sends its old token along when it refreshes; only userinfo and logout look at it."""
    stale = {"Authorization": "Bearer nonsense"}
    code, body = await stage.ask("", "POST", "/oauth/token", headers=stale)
    assert (code, body["user"]) == (200, "system:anonymous")
    assert "authorization" not in body["headers"]
    assert (await stage.ask("", "GET", "/oauth/userinfo", headers=stale))[0] == 401
    code, body = await stage.ask("out", "GET", "/oauth/userinfo")
    assert (code, body["user"]) == (200, "out")


async def test_a_password_is_verified_once_and_forgotten_with_the_account(stage: Stage) -> None:
    """Basic authentication is cached for its right password alone, and a changed password is asked about again."""

    async def ask(password: str) -> int:
        text = base64.b64encode(f"out@example.com:{password}".encode()).decode()
        return (await stage.ask("", "GET", SELF, headers={"Authorization": f"Basic {text}"}))[0]

    assert [await ask(PASSWORD), await ask(PASSWORD), stage.accounts.verified] == [200, 200, 1]
    assert [await ask("wrong"), await ask("wrong"), stage.accounts.verified] == [401, 401, 3]
    await stage.accounts.tell(accounts.PasswordChanged(user="out"))
    await eventually(lambda: stage.parts.memory.passwords.cuts > 1)
    assert [await ask(PASSWORD), stage.accounts.verified] == [200, 4]
    await stage.accounts.tell(accounts.UserDisabled(user="out"))
    await eventually(lambda: not stage.parts.memory.index.users["out"].active)
    assert await ask(PASSWORD) == 401


async def test_equal_passwords_at_once_are_verified_once(stage: Stage) -> None:
    """Thirty requests with one right password ask accounts once; wrong ones are each asked about, and counted."""

    async def ask(password: str) -> int:
        text = base64.b64encode(f"out@example.com:{password}".encode()).decode()
        return (await stage.ask("", "GET", SELF, headers={"Authorization": f"Basic {text}"}))[0]

    assert await asyncio.gather(*(ask(PASSWORD) for _ in range(30))) == [200] * 30
    assert stage.accounts.verified == 1
    assert await asyncio.gather(*(ask("wrong") for _ in range(5))) == [401] * 5
    assert stage.accounts.verified == 6


async def test_a_wrong_password_has_the_original_words(stage: Stage) -> None:
    """As recorded, and a header that is no base64 is no more than a wrong password."""
    for header in ("Basic b3V0Om5v", "Basic ???", "Basic b3V0"):
        code, body = await stage.ask("", "GET", SELF, headers={"Authorization": header})
        assert (code, body["message"]) == (401, "Unauthorized: incorrect password")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (accounts.SessionEnded(session="s-out", user="out"), "token not found in cache"),
        (accounts.UserDisabled(user="out"), "account is not active"),
        (accounts.UserDeleted(user="out"), 'user.iam.kubesphere.io "out" not found'),
    ],
)
async def test_what_ends_is_refused_within_a_second(stage: Stage, event: Any, text: str) -> None:
    """A token that was good a moment ago is refused once its session or account has ended."""
    assert (await stage.ask("out", "GET", SELF))[0] == 200
    await stage.accounts.tell(event)
    seen: list[str] = []

    for _ in range(100):
        code, body = await stage.ask("out", "GET", SELF)
        if code == 401:
            seen.append(body["message"])
            break
    assert seen == [f"Unauthorized: {text}"]
