"""Signing in: exact counting, locks, sessions, and refresh tokens that somebody else holds."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest

from libs.shared.errors import Broken, Fault, Limited, Unauthenticated
from libs.shared.store.protocol import Equal, Find, Unit
from libs.shared.testing.clock import eventually
from libs.shared.values import Secret
from services.accounts.commands import session as commands
from services.accounts.commands import user as users
from services.accounts.commands.session import Outcome
from services.accounts.domain import session as domain
from services.accounts.domain.login import INACTIVE, WRONG, Attempts, From, LoginRecord, Way
from services.accounts.domain.password import Credential
from services.accounts.domain.session import Kind, Session
from services.accounts.domain.strangers import Strangers
from services.accounts.domain.user import State, User, UserWish
from services.accounts.rest.sessions import attempt
from services.accounts.tests.stage import PASSWORD, Stage
from services.accounts.tests.test_users import change, same
from services.accounts.workers.sweeping import sweep_many_records, sweep_old_records, sweep_sessions
from services.accounts.workers.unlocking import unlock_due

HERE = From("10.1.2.3", "curl/8", Way.TOKEN)
BASIC = From("10.1.2.3", "curl/8", Way.PASSWORD)


async def tries(stage: Stage, name: str, password: str, source: From = HERE) -> Outcome:
    """One attempt to sign in."""
    return await attempt(stage.parts, name, Secret(password), source)


async def begun(stage: Stage, name: str = "bob") -> Session:
    """A session, signed in with the right password."""
    outcome = await tries(stage, name, PASSWORD)
    assert outcome.session is not None
    return outcome.session


async def records(stage: Stage, name: str = "bob") -> list[LoginRecord]:
    """What is recorded of his attempts, in their order."""
    return await stage.parts.store.of(LoginRecord).find(Find((Equal("user", name),), sort="created_at"))


async def test_the_right_password_begins_a_session(stage: Stage) -> None:
    """By name or by e-mail whatever its case; recorded with where it came from, and told."""
    await stage.user("bob")
    await begun(stage)
    session = await begun(stage, "BOB@example.com")
    assert session.user == "bob"
    (first, _) = await records(stage)
    assert (first.success, first.reason, first.source_ip, first.type) == (
        True,
        "authenticated successfully",
        "10.1.2.3",
        "Token",
    )
    bob = await stage.parts.store.of(User).get("bob")
    assert bob.last_login_at == stage.clock()
    assert {e.name for e in await stage.told() if e.subject == f"sessions/{session.id}"} == {"SessionStarted"}


async def test_a_wrong_password_is_recorded_and_nobody_told_which(stage: Stage) -> None:
    """Unknown account and wrong password are refused alike; only an account that exists has a record."""
    await stage.user("bob")
    assert (await tries(stage, "bob", "no")).refused == (await tries(stage, "nobody", "no")).refused == WRONG
    (record,) = await stage.parts.store.of(LoginRecord).find()
    assert (record.user, record.success, record.reason) == ("bob", False, WRONG)
    assert (await stage.parts.store.of(User).get("bob")).last_login_at is None


async def test_fifty_wrong_passwords_at_once_are_counted_exactly(stage: Stage) -> None:
    """Of a burst just as many are looked at as the limit allows; the account is locked, once, by just those."""
    await stage.user("bob")
    answers = await asyncio.gather(*(tries(stage, "bob", f"no{n}") for n in range(50)), return_exceptions=True)
    kinds = Counter(type(answer).__name__ for answer in answers)
    assert kinds == {"Outcome": 5, "Limited": 45}
    assert len(await records(stage)) == 5
    locked = await stage.named("UserLocked")
    assert [json.loads(e.data)["failures"] for e in locked] == [5]
    bob = await stage.parts.store.of(User).get("bob")
    assert bob.state == State.LOCKED
    assert bob.reason == "Failed login attempts exceed 5 in last 0:10:00"
    with pytest.raises(Limited, match="auth rate limit exceeded"):
        await tries(stage, "bob", PASSWORD)


async def test_right_passwords_at_once_all_begin_sessions(stage: Stage) -> None:
    """Signing in at several places at once is no attack, however many: some wait; nothing is left reserved."""
    await stage.user("bob")
    answers = await asyncio.gather(*(tries(stage, "bob", PASSWORD) for _ in range(30)))
    assert len({answer.session.id for answer in answers if answer.session}) == 30
    assert (await stage.parts.store.of(Attempts).get("bob")).pending == ()


async def test_an_unknown_name_has_the_same_limit(stage: Stage) -> None:
    """A burst and what follows it are refused as for a user, and the lock runs out as his does."""
    answers = await asyncio.gather(*(tries(stage, "nobody", f"no{n}") for n in range(50)), return_exceptions=True)
    assert Counter(type(answer).__name__ for answer in answers) == {"Outcome": 5, "Limited": 45}
    with pytest.raises(Limited, match="auth rate limit exceeded"):
        await tries(stage, "nobody", PASSWORD)
    await stage.clock.advance(601)
    assert (await tries(stage, "nobody", "no")).refused == WRONG


def test_unknown_names_are_remembered_within_bounds(stage: Stage) -> None:
    """The one that was longest left alone is forgotten; what could not be looked at counts for nothing."""
    strangers, at, limits = Strangers(2), stage.clock(), stage.parts.limits
    for name in ("a", "b", "c"):
        assert strangers.reserve(name, name, at=at, limits=limits)
    assert len(strangers) == 2
    for turn in range(5):
        assert strangers.reserve("d", str(turn), at=at, limits=limits)
    assert not strangers.reserve("d", "one more", at=at, limits=limits)
    strangers.release("d", "0")
    assert strangers.reserve("d", "one more", at=at, limits=limits)


async def test_a_fault_leaves_nothing_reserved(stage: Stage) -> None:
    """A hash that is damaged is our fault, and locks nobody out."""
    await stage.user("bob")
    credential = await stage.parts.store.of(Credential).get("bob")
    damaged = credential.model_copy(update={"hash": Secret("$argon2id$damaged")})
    await stage.do(keep, damaged)
    with pytest.raises(Broken):
        await tries(stage, "bob", PASSWORD)
    assert (await stage.parts.store.of(Attempts).get("bob")).pending == ()


async def keep(unit: Unit, credential: Credential) -> None:
    await unit.of(Credential).put(credential)


async def test_a_lock_runs_out(stage: Stage) -> None:
    """After its time the worker unlocks, tells it, and counting begins anew; sessions went on meanwhile."""
    await stage.user("bob")
    session = await begun(stage)
    for _ in range(5):
        await tries(stage, "bob", "no")
    assert not (await stage.parts.store.of(Session).get(session.id)).ended
    await stage.clock.advance(599)
    assert await unlock_due(stage.parts) == 0
    await stage.clock.advance(2)
    assert await unlock_due(stage.parts) == 1
    assert (await stage.parts.store.of(User).get("bob")).state == State.ACTIVE
    assert len(await stage.named("UserUnlocked")) == 1
    assert (await tries(stage, "bob", "no")).refused == WRONG
    await begun(stage)


async def test_a_lock_that_ran_out_holds_nobody_up(stage: Stage) -> None:
    """The next attempt unlocks by itself when the worker has not come round yet."""
    await stage.user("bob")
    for _ in range(5):
        await tries(stage, "bob", "no")
    await stage.clock.advance(601)
    await begun(stage)
    assert len(await stage.named("UserUnlocked")) == 1


async def test_old_failures_do_not_count(stage: Stage) -> None:
    """Failures that are older than the window lock nothing."""
    await stage.user("bob")
    for _ in range(4):
        await tries(stage, "bob", "no")
    await stage.clock.advance(601)
    for _ in range(4):
        await tries(stage, "bob", "no")
    assert (await stage.parts.store.of(User).get("bob")).state == State.ACTIVE


async def test_an_attempt_that_was_never_settled_lapses(stage: Stage) -> None:
    """A process that died while it looked at a password leaves no lock behind."""
    await stage.user("bob")
    parts = stage.parts
    for _ in range(5):
        await stage.do(commands.reserve_attempt, "bob", parts.ids(), at=stage.clock(), limits=parts.limits)
    waits = asyncio.create_task(tries(stage, "bob", PASSWORD))
    await eventually(lambda: stage.clock.sleepers > 0)
    for _ in range(120):
        await stage.clock.advance(0.1)
        await asyncio.sleep(0.002)
    with pytest.raises(Limited):
        await waits
    await stage.clock.advance(61)
    await begun(stage)


async def test_an_administrator_unlocks(stage: Stage) -> None:
    """Active by an administrator's hand takes the lock off at once."""
    await stage.user("bob")
    for _ in range(5):
        await tries(stage, "bob", "no")
    bob = await stage.parts.store.of(User).get("bob")
    await change(stage, same(bob, state="Active"))
    await begun(stage)


async def test_a_disabled_account_says_so_only_to_its_owner(stage: Stage) -> None:
    """With the right password `account is not active`, with a wrong one what everybody gets."""
    bob = await stage.user("bob")
    await change(stage, same(bob, state="Disabled"))
    assert (await tries(stage, "bob", "no")).refused == WRONG
    assert (await tries(stage, "bob", PASSWORD)).refused == INACTIVE


async def test_basic_authentication_records_failures_alone(stage: Stage) -> None:
    """A right password begins no session and leaves no record; a wrong one counts like any other."""
    await stage.user("bob")
    outcome = await tries(stage, "bob", PASSWORD, BASIC)
    assert outcome.user is not None
    assert outcome.session is None
    assert await records(stage) == []
    await tries(stage, "bob", "no", BASIC)
    assert [r.type for r in await records(stage)] == ["Password"]


async def test_a_password_changed_while_it_was_looked_at_begins_nothing(stage: Stage) -> None:
    """Between the two units the password became another: the old one is wrong by then."""
    await stage.user("bob")
    parts = stage.parts
    reserved = await stage.do(commands.reserve_attempt, "bob", parts.ids(), at=stage.clock(), limits=parts.limits)
    assert isinstance(reserved, commands.Reserved)
    hashed = await parts.passwords.hash(Secret("N3wPassw0rd"))
    await stage.do(users.set_password, "bob", hashed, proven=None, by="admin", session="", at=stage.clock())
    outcome = await stage.do(
        commands.settle_success, reserved, HERE, better=None, alone=False, at=stage.clock(), life=parts.life
    )
    assert outcome.refused == WRONG


async def test_a_bcrypt_hash_becomes_argon2id_at_the_first_sign_in(stage: Stage) -> None:
    """An imported user signs in with his old password; what is kept is up to date afterwards."""
    imported = Secret("$2b$04$mrrjc/QmVDz791g3INajbebhh5UYYQl3qFGuNTUhEUElDzVnyRNUi")
    wish = UserWish(name="old", email="old@example.com")
    await stage.do(users.create_user, wish, imported, uid=stage.parts.ids(), by="admin", at=stage.clock())
    assert (await tries(stage, "old", "correct horse")).session is None
    assert (await tries(stage, "old", "test")).session is not None
    kept = (await stage.parts.store.of(Credential).get("old")).hash.reveal()
    assert kept.startswith("$argon2id$")


async def refreshed(stage: Stage, session: Session, pair: int) -> commands.Refreshed:
    """The refresh token of this pair, shown."""
    return await stage.do(commands.refresh_session, session.id, pair, at=stage.clock(), life=stage.parts.life)


def token(stage: Stage, session: Session, kind: Kind = Kind.REFRESH) -> str:
    """The token as it is signed."""
    return stage.parts.tokens.signed(domain.claims(session, kind, issuer="kubesphere", life=stage.parts.life))


async def test_a_repeated_refresh_gives_the_same_pair(stage: Stage) -> None:
    """A client that lost the answer asks again within 30 s and gets the very same tokens."""
    await stage.user("bob")
    session = await begun(stage)
    await stage.clock.advance(100.25)
    first = await refreshed(stage, session, 1)
    await stage.clock.advance(29)
    second = await refreshed(stage, session, 1)
    assert first.session is not None
    assert second.session is not None
    assert first.session.pair == second.session.pair == 2
    for kind in Kind:
        assert token(stage, first.session, kind) == token(stage, second.session, kind)
    assert token(stage, session) != token(stage, first.session)


async def test_two_refreshes_at_once_make_one_pair(stage: Stage) -> None:
    """Two tabs of one browser end up with the same tokens, and the session lives."""
    await stage.user("bob")
    session = await begun(stage)
    answers = await asyncio.gather(*(refreshed(stage, session, 1) for _ in range(20)))
    assert {answer.session.pair for answer in answers if answer.session} == {2}
    assert len({token(stage, answer.session) for answer in answers if answer.session}) == 1


@pytest.mark.parametrize("wait", [31, 3600])
async def test_a_late_repeat_ends_the_family(stage: Stage, wait: float) -> None:
    """Somebody else holds the token: every token of the family is worthless, and it is told why."""
    await stage.user("bob")
    session = await begun(stage)
    await refreshed(stage, session, 1)
    await stage.clock.advance(wait)
    assert (await refreshed(stage, session, 1)).session is None
    (ended,) = await stage.named("SessionEnded")
    assert json.loads(ended.data)["reason"] == "token-reused"
    assert (await refreshed(stage, session, 2)).session is None


async def test_an_older_pair_ends_the_family_at_once(stage: Stage) -> None:
    """The token before the last is nobody's by mistake."""
    await stage.user("bob")
    session = await begun(stage)
    await refreshed(stage, session, 1)
    await refreshed(stage, session, 2)
    assert (await refreshed(stage, session, 1)).session is None
    assert len(await stage.named("SessionEnded")) == 1


async def test_no_refresh_for_who_may_not_sign_in(stage: Stage) -> None:
    """An ended session, a disabled and a deleted user get nothing more."""
    bob = await stage.user("bob")
    session = await begun(stage)
    await stage.do(commands.end_session, session.id, "logout")
    assert (await refreshed(stage, session, 1)).session is None
    other = await begun(stage)
    bob = await stage.parts.store.of(User).get("bob")
    await change(stage, same(bob, state="Disabled"))
    assert (await refreshed(stage, other, 1)).session is None


async def test_signing_in_alone_ends_the_others(stage: Stage) -> None:
    """Where one session a user is allowed, the new one ends the old."""
    await stage.user("bob")
    first = await begun(stage)
    parts = stage.parts
    reserved = await stage.do(commands.reserve_attempt, "bob", parts.ids(), at=stage.clock(), limits=parts.limits)
    assert isinstance(reserved, commands.Reserved)
    await stage.do(commands.settle_success, reserved, HERE, better=None, alone=True, at=stage.clock(), life=parts.life)
    assert (await parts.store.of(Session).get(first.id)).ended


async def test_claims_are_those_that_consoles_read(stage: Stage) -> None:
    """Names of claims are contract (spec 4.5); the first sign-in is marked in `extra`."""
    await stage.user("bob", annotations={"iam.kubesphere.io/uninitialized": "true"})
    session = await begun(stage)
    said = stage.parts.tokens.read(token(stage, session, Kind.ACCESS))
    issued = int(stage.clock().timestamp())
    assert said == {
        "iss": "kubesphere",
        "sub": "bob",
        "username": "bob",
        "iat": issued,
        "exp": issued + 7200,
        "token_type": "access_token",
        "sid": session.id,
        "jti": f"{session.id}.1.a",
        "extra": {"uninitialized": ["true"]},
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nonsense", "invalid number of segments"),
        ("a.b.c", "malformed"),
        ("eyJhbGciOiJub25lIn0.e30.", "signing method"),
        ("x" * 9000 + ".b.c", "segments"),
    ],
)
async def test_foreign_tokens_are_refused(stage: Stage, text: str, fault: str) -> None:
    """No signature, another form, or too long: refused in the words that clients know."""
    with pytest.raises(Unauthenticated, match=fault):
        stage.parts.tokens.read(text)


async def test_records_and_sessions_are_kept_long_enough(stage: Stage) -> None:
    """Records go by age and by number, sessions when their last token has expired; no sooner."""
    await stage.user("bob")
    for _ in range(3):
        session = await begun(stage)
        await stage.clock.advance(1)
    parts = stage.parts
    few = type(parts)(
        **{
            **{name: getattr(parts, name) for name in parts.__slots__},
            "settings": parts.settings.model_copy(update={"history_entries": 2}),
        }
    )
    seen = await sweep_many_records(few)
    assert len(await records(stage)) == 2
    await begun(stage)
    assert await sweep_many_records(few, seen + timedelta(hours=1)) == seen + timedelta(minutes=59)
    assert len(await records(stage)) == 3, "who didn't sign in since then isn't looked at"
    assert await sweep_many_records(few, seen) > seen
    assert len(await records(stage)) == 2
    await sweep_sessions(parts)
    assert await parts.store.of(Session).count() == 4
    await stage.clock.advance(timedelta(seconds=14_400).total_seconds())
    await sweep_sessions(parts)
    assert await parts.store.of(Session).look(session.id) is None
    await stage.clock.advance(timedelta(hours=168).total_seconds())
    await sweep_old_records(parts)
    assert await records(stage) == []


async def test_too_many_passwords_at_once_are_told_to_come_again(stage: Stage) -> None:
    """The pool's queue is bounded; what it refuses counts as no attempt."""
    await stage.user("bob")
    stage.parts.passwords._room = 0
    with pytest.raises(Fault, match="try again"):
        await tries(stage, "bob", PASSWORD)
    stage.parts.passwords._room = 10
    assert (await stage.parts.store.of(Attempts).get("bob")).pending == ()
    await begun(stage)
