"""What accounts tells: keys that change, a snapshot that lies, a sign-in that is locked; and where a client is."""

from __future__ import annotations

import asyncio
import base64
import json
from ipaddress import ip_network

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.shared.errors import Broken, Busy, Fault, Limited
from libs.shared.testing.clock import VirtualClock, eventually
from libs.shared.values import Secret
from services.gateway.clients.accounts import KEPT, REFRESH_EVERY, Accounts
from services.gateway.clients.services import LONGEST_LINE
from services.gateway.clients.snapshots import snapshot
from services.gateway.domain.passwords import Passwords
from services.gateway.domain.peer import address_of
from services.gateway.domain.tokens import Tokens
from services.gateway.tests.conftest import Stage
from services.gateway.tests.standin import IAM, KID
from services.gateway.workers import load_snapshot

LINE = {"type": "orrery.accounts.v1.UserCreated", "version": 1, "data": {"user": "x"}}
LIES = [
    [b"no JSON"],
    [b"[1]"],
    [json.dumps(LINE).encode()],
    [json.dumps({**LINE, "data": {"user": {}}}).encode()],
    [json.dumps(LINE).encode(), b'{"end": true, "count": 2}'],
    [],
]


@pytest.mark.parametrize("lines", LIES)
async def test_a_snapshot_that_is_not_whole_changes_nothing(stage: Stage, lines: list[bytes]) -> None:
    """Unreadable lines, a missing end and a wrong count raise, and the index stays as it was."""
    before = dict(stage.parts.memory.index.users)
    stage.accounts.lines = lines
    with pytest.raises(Broken):
        await load_snapshot(stage.parts, "accounts")
    assert stage.parts.memory.index.users == before


async def test_a_snapshot_skips_what_it_does_not_know(stage: Stage) -> None:
    """A newer accounts may tell more than this gateway understands; a load that nobody asked for is not adopted."""
    stage.accounts.lines = [
        json.dumps({**LINE, "type": "orrery.accounts.v1.TeamFounded"}).encode(),
        b'{"end": true, "count": 1}',
    ]
    assert [line async for line in snapshot(stage.parts.behind.services, "accounts")] == []
    with pytest.raises(Busy):
        await load_snapshot(stage.parts, "accounts")


async def test_one_thing_too_long_to_be_read_closes_nothing_else(stage: Stage) -> None:
    """It is left out, so it grants nothing, and counted; everything else of the snapshot is decided by."""
    huge = json.dumps({**LINE, "data": {"user": "huge", "groups": ["g" * LONGEST_LINE]}})
    stage.accounts.lines = [json.dumps(LINE).encode(), huge.encode(), b'{"end": true, "count": 2}']
    stage.parts.memory.begin(stage.parts.clock.monotonic())
    await eventually(lambda: set(stage.parts.memory.index.users) == {"x"})
    stage.parts.memory.sources.require("accounts", stage.parts.clock.monotonic())
    registry = stage.suite.services["gateway"].host.telemetry.registry
    assert registry.get_sample_value("orrery_gateway_index_left_out_total") == 1


async def test_keys_follow_what_accounts_publishes(stage: Stage) -> None:
    """A new key is found by its id, an old one ends when it is published no longer, and look-ups are bounded."""
    clock = VirtualClock()
    accounts = Accounts(stage.parts.behind.services, clock)
    assert await accounts.key(KID) is not None
    stage.accounts.key, stage.accounts.kid = Ed25519PrivateKey.generate(), "k2"
    assert await accounts.key("k2") is None
    await clock.advance(REFRESH_EVERY)
    assert await accounts.key("k2") is not None
    assert await accounts.key(KID) is None
    stage.accounts.kid = "k3"
    assert await accounts.key("k2") is not None
    await clock.advance(KEPT)
    assert await accounts.key("k2") is None
    assert accounts.kids == {"k3"}


async def test_all_who_come_first_wait_for_the_keys(stage: Stage) -> None:
    """Requests that come together before any key is known share one look-up, and none is refused for want of it."""
    before = stage.accounts.keys_asked
    accounts = Accounts(stage.parts.behind.services, VirtualClock())
    found = await asyncio.gather(*(accounts.key(KID) for _ in range(20)))
    assert None not in found
    assert stage.accounts.keys_asked == before + 1


async def test_who_gives_up_ends_the_look_up_for_nobody_else(stage: Stage) -> None:
    """The client that made us look leaves; the others still get their key."""
    accounts = Accounts(stage.parts.behind.services, VirtualClock())
    first = asyncio.create_task(accounts.key(KID))
    await asyncio.sleep(0)
    second = asyncio.create_task(accounts.key(KID))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None


async def test_keys_are_known_before_the_doors_open(stage: Stage) -> None:
    """Being ready takes the keys: no client has come yet, and they are here."""
    assert stage.parts.behind.accounts.kids == {KID}


async def test_a_locked_account_is_told_when_to_come_again(stage: Stage) -> None:
    """Too many wrong passwords are 429, for Basic authentication as for sign-in."""
    stage.accounts.locked = True
    header = "Basic " + base64.b64encode(b"out:x").decode()
    async with stage.client.get(IAM + "/users/out", headers={"Authorization": header}) as answer:
        body = await answer.json()
        assert (answer.status, body["message"]) == (429, "auth rate limit exceeded")
    with pytest.raises(Limited):
        await stage.parts.behind.accounts.verify("out", Secret("x"), "", "")


async def test_a_service_that_is_not_installed_is_named(stage: Stage) -> None:
    """Asking for it is `Busy`, not a mistake in the gateway."""
    with pytest.raises(Fault) as refused:
        await stage.parts.behind.services.ask("absent", "GET", "/x")
    assert isinstance(refused.value, Busy)
    assert "absent" in refused.value.text


def test_remembered_passwords_are_bounded_in_time_and_number() -> None:
    """They end after their life, the oldest goes first, and what a cut has overtaken is not remembered."""
    known, secret = Passwords(b"k" * 32, 60, 2), Secret("pw")
    for user in ("a", "b", "c"):
        known.note(user, secret, user, 0, known.cuts)
    assert [known.look(user, secret, 1) for user in ("a", "b", "c")] == [None, "b", "c"]
    assert known.look("b", Secret("other"), 1) is None
    assert known.look("b", secret, 60) is None
    before = known.cuts
    known.cut(frozenset({"c"}))
    assert known.look("c", secret, 1) is None
    known.note("c", secret, "c", 1, before)
    assert known.look("c", secret, 1) is None
    off = Passwords(b"k" * 32, 0, 2)
    off.note("a", secret, "a", 0, off.cuts)
    assert off.look("a", secret, 0) is None


async def test_remembered_tokens_are_bounded(stage: Stage) -> None:
    """The oldest is forgotten, and verified again when it comes back."""
    stage.parts.memory.tokens = Tokens(1)
    for _ in range(2):
        for user in ("out", "reg"):
            assert (await stage.ask(user, "GET", IAM + "/users"))[0] == 200


@pytest.mark.parametrize(
    ("remote", "headers", "found"),
    [
        ("10.0.0.1", {"X-Real-IP": "1.2.3.4"}, "1.2.3.4"),
        ("10.0.0.1", {"x-client-ip": "1.2.3.4", "X-Real-IP": "5.6.7.8"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.0.0.9"}, "1.2.3.4"),
        ("10.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, "10.0.0.1"),
        ("10.0.0.1", {"X-Real-IP": "<script>"}, "10.0.0.1"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("192.0.2.1", {"x-client-ip": "1.2.3.4", "X-Forwarded-For": "1.2.3.4"}, "192.0.2.1"),
        ("::1", {}, "127.0.0.1"),
        ("::ffff:192.0.2.1", {}, "192.0.2.1"),
        ("2001:db8::1", {"X-Real-IP": "1.2.3.4"}, "2001:db8::1"),
        ("", {"X-Real-IP": "1.2.3.4"}, ""),
    ],
)
def test_only_a_declared_proxy_names_its_client(remote: str, headers: dict[str, str], found: str) -> None:
    """Headers count from the operator's proxies alone; of a chain the last address that is none of them."""
    assert address_of(remote, headers, [ip_network("10.0.0.0/8")]) == found
