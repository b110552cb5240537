"""Signing in and out: an attempt is reserved in one unit, the password looked at outside any, the outcome settled in a
second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.shared.store.protocol import Equal, Find, Unit
from libs.shared.values import Secret
from services.accounts.domain import login, session, user
from services.accounts.domain.login import Attempts, From, Limits
from services.accounts.domain.password import Credential
from services.accounts.domain.session import Life, Session
from services.accounts.domain.user import State, User


@dataclass(frozen=True, slots=True)
class Reserved:
    """An attempt under way: whose, and the hash to verify against."""

    user: str
    ident: str
    hash: Secret | None


@dataclass(frozen=True, slots=True)
class Crowded:
    """As many attempts are under way as may still fail: the next waits until one of them has ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: with a session, with nothing more (Basic authentication), or with a reason against it."""

    user: User | None = None
    session: Session | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The session as it stands, or why there is none to go on with."""

    session: Session | None = None
    refused: str = ""


async def reserve_attempt(
    unit: Unit, account: str, ident: str, *, at: datetime, limits: Limits
) -> Reserved | Crowded | None:
    """Reserve an attempt to sign in as this user (name or e-mail); None where there is none. Raises `Limited`."""
    found = await find_account(unit, account)
    if found is None:
        return None
    if found.state == State.LOCKED and found.locked_until is not None and found.locked_until <= at:
        found = await unlock(unit, found, at=at)
    attempts = await unit.of(Attempts).look(found.name) or Attempts(user=found.name)
    after = login.reserve(attempts, ident, locked=login.locked(found, at), at=at, limits=limits)
    if after is None:
        return Crowded()
    await unit.of(Attempts).put(after)
    credential = await unit.of(Credential).look(found.name)
    return Reserved(found.name, ident, credential.hash if credential else None)


async def release_attempt(unit: Unit, reserved: Reserved) -> None:
    """The password could not be looked at: the attempt counts for nothing."""
    attempts = await unit.of(Attempts).look(reserved.user)
    if attempts is not None:
        await unit.of(Attempts).put(attempts.without(reserved.ident))


async def settle_failure(unit: Unit, reserved: Reserved, source: From, *, at: datetime, limits: Limits) -> Outcome:
    """The password was wrong: count it, record it, and lock the account at the limit."""
    found = await unit.of(User).look(reserved.user)
    if found is None:
        return Outcome(refused=login.WRONG)
    attempts = await unit.of(Attempts).look(found.name) or Attempts(user=found.name)
    attempts = login.failed(attempts, reserved.ident, at=at, limits=limits)
    await unit.of(Attempts).put(attempts)
    await _record(unit, found, reserved.ident, source, success=False, reason=login.WRONG, at=at)
    if len(attempts.failures) >= limits.tries and found.state == State.ACTIVE:
        locked, event = user.lock(
            found, failures=len(attempts.failures), reason=limits.text, at=at, until=at + limits.window
        )
        locked = await unit.of(User).put(locked)
        unit.emit(event, subject=f"users/{found.name}", about=locked)
    return Outcome(refused=login.WRONG)


async def settle_success(
    unit: Unit,
    reserved: Reserved,
    source: From,
    *,
    better: Secret | None,
    alone: bool,
    at: datetime,
    life: Life,
) -> Outcome:
    """The password was right: begin a session, unless the account is not active or the password is another by now.

    `better` is a hash to keep instead; `alone` ends the user's other sessions. Basic authentication (`Way.PASSWORD`)
    begins no session and leaves no record.
    """
    found = await unit.of(User).look(reserved.user)
    kept = await unit.of(Credential).look(reserved.user)
    attempts = await unit.of(Attempts).look(reserved.user)
    if attempts is not None:
        await unit.of(Attempts).put(attempts.without(reserved.ident))
    if found is None or kept is None or kept.hash != reserved.hash:
        return Outcome(refused=login.WRONG)
    if found.state == State.DISABLED:
        await _record(unit, found, reserved.ident, source, success=False, reason=login.INACTIVE, at=at)
        return Outcome(refused=login.INACTIVE)
    if better is not None:
        await unit.of(Credential).put(kept.model_copy(update={"hash": better}))
    if source.way is login.Way.PASSWORD:
        return Outcome(user=found)
    if alone:
        await end_sessions(unit, found.name, "logout")
    await _record(unit, found, reserved.ident, source, success=True, reason=login.SUCCESS, at=at)
    found = await unit.of(User).put(user.signed_in(found, at))
    begun, event = session.start(found, reserved.ident, at=at, life=life)
    begun = await unit.of(Session).add(begun)
    unit.emit(event, subject=f"sessions/{begun.id}", about=begun)
    return Outcome(user=found, session=begun)


async def refresh_session(unit: Unit, ident: str, pair: int, *, at: datetime, life: Life) -> Refreshed:
    """The next pair of a session, the same once more, or its end when its refresh token is known to others."""
    kept = await unit.of(Session).look(ident)
    if kept is None or kept.ended or kept.expires_at <= at:
        return Refreshed(refused="token not found in cache")
    owner = await unit.of(User).look(kept.user)
    if owner is None or owner.state == State.DISABLED:
        return Refreshed(refused=login.INACTIVE)
    after = session.refresh(kept, owner, pair, at=at, life=life)
    if after is None:
        await _end(unit, kept, "token-reused")
        return Refreshed(refused="token not found in cache")
    if after != kept:
        after = await unit.of(Session).put(after)
    return Refreshed(session=after)


async def end_session(unit: Unit, ident: str, reason: str) -> None:
    """End one session; nothing happens where there is none, or it has ended."""
    kept = await unit.of(Session).look(ident)
    if kept is not None and not kept.ended:
        await _end(unit, kept, reason)


async def end_sessions(unit: Unit, name: str, reason: str, *, but: str = "") -> None:
    """End every session of a user, but this one."""
    for kept in await unit.of(Session).find(Find((Equal("user", name), Equal("ended", "")))):
        if kept.id != but:
            await _end(unit, kept, reason)


async def unlock(unit: Unit, locked: User, *, at: datetime) -> User:
    """Take his password again and begin to count anew."""
    after, event = user.unlock(locked, at=at)
    after = await unit.of(User).put(after)
    await unit.of(Attempts).put(Attempts(user=locked.name))
    unit.emit(event, subject=f"users/{locked.name}", about=after)
    return after


async def find_account(unit: Unit, account: str) -> User | None:
    """The user of this name, or of this e-mail address."""
    found = await unit.of(User).look(account)
    if found is None and "@" in account:
        same = await unit.of(User).find(Find((Equal("email_key", user.email_key(account)),), limit=1))
        found = same[0] if same else None
    return found


async def sweep_records(unit: Unit, names: tuple[str, ...]) -> None:
    """Remove these records of sign-ins; those that are gone already are passed over."""
    for name in names:
        if await unit.of(login.LoginRecord).look(name) is not None:
            await unit.of(login.LoginRecord).drop(name)


async def sweep_sessions(unit: Unit, idents: tuple[str, ...], *, at: datetime) -> None:
    """Remove these sessions, if all their tokens have expired."""
    for ident in idents:
        kept = await unit.of(Session).look(ident)
        if kept is not None and kept.expires_at <= at:
            await unit.of(Session).drop(ident)


async def _record(
    unit: Unit, owner: User, ident: str, source: From, *, success: bool, reason: str, at: datetime
) -> None:
    kept = login.record(owner.name, ident, source=source, success=success, reason=reason, at=at)
    kept = await unit.of(login.LoginRecord).add(kept)
    unit.emit(login.recorded(kept), subject=f"users/{owner.name}", about=kept)


async def _end(unit: Unit, kept: Session, reason: str) -> None:
    ended, event = session.end(kept, reason)
    ended = await unit.of(Session).put(ended)
    unit.emit(event, subject=f"sessions/{ended.id}", about=ended)
