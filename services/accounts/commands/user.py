"""Making, changing and removing users, with what hangs on them."""

from __future__ import annotations

from datetime import datetime

from libs.shared.contracts.accounts_v1 import PasswordChanged
from libs.shared.errors import Invalid
from libs.shared.store.protocol import Equal, Find, Unit
from libs.shared.values import Secret
from services.accounts.commands import admin as admins
from services.accounts.commands import member as members
from services.accounts.commands import role as roles
from services.accounts.commands import session as sessions
from services.accounts.domain import user as domain
from services.accounts.domain.login import Attempts, LoginRecord
from services.accounts.domain.password import Credential
from services.accounts.domain.resource import USERS, checked_version, derived_uid
from services.accounts.domain.seed import PLATFORM_ADMIN
from services.accounts.domain.user import PROVIDER, State, User, UserWish


def subject(name: str) -> str:
    """What events of a user are about."""
    return f"users/{name}"


async def create_user(unit: Unit, wish: UserWish, hashed: Secret | None, *, uid: str, by: str, at: datetime) -> User:
    """Make a user, keep the hash of his password, bind his global role.

    Without a password he is disabled, unless an identity provider vouches for him (spec 10.1). Raises `Exists` for a
    name or e-mail that is taken, `Missing` for an unknown global role, `Invalid` for what else is wrong.
    """
    user, event = domain.create(wish, uid=uid, by=by, at=at)
    if await unit.of(User).look(wish.name) is not None:
        raise USERS.exists(wish.name)
    await _refuse_taken(unit, user)
    if hashed is not None:
        await unit.of(Credential).put(Credential(user=user.name, hash=hashed, changed_at=at))
        user = user.noted(annotations={**user.annotations, **domain.changed_at(at)})
    elif PROVIDER not in user.labels:
        user = user.noted(state=State.DISABLED)
        event = event.model_copy(update={"state": State.DISABLED.value})
    user = await unit.of(User).add(user)
    unit.emit(event, subject=subject(user.name), about=user)
    if wish.global_role:
        await roles.bind_global_role(unit, user.name, wish.global_role, uid=derived_uid(uid, "binding", ""), at=at)
    return user


async def change_user(
    unit: Unit, wish: UserWish, version: str, *, by: str, manager: bool, uid: str, at: datetime
) -> User:
    """Replace what is said of a user, his state and global role included; his password stays.

    `version` is the resourceVersion that the caller saw; None says that he saw none and wants the present one.
    Who is no manager of users may change his own profile alone. Raises `Missing`, `Stale`, `Denied`, `Invalid`.
    """
    users = unit.of(User)
    before = await users.look(wish.name)
    if before is None:
        raise USERS.unknown(wish.name)
    checked_version(USERS, before, version)
    bound = await roles.global_role_of(unit, wish.name)
    other_role = bool(wish.global_role) and wish.global_role != bound
    if not manager:
        _refuse_beyond_profile(before, wish, by=by, other_role=other_role)
    user, event = domain.change(before, wish, by=by)
    if user.email_key != before.email_key:
        await _refuse_taken(unit, user)
    if event is not None:
        user = await users.put(user)
        unit.emit(event, subject=subject(user.name), about=user)
    user = await _move(unit, user, wish.state, by=by, at=at)
    if other_role and wish.global_role:
        if bound == PLATFORM_ADMIN:
            await admins.refuse_last(unit, user.name)
        await roles.bind_global_role(unit, user.name, wish.global_role, uid=uid, at=at)
    return user


async def delete_user(unit: Unit, name: str, *, by: str) -> User:
    """Remove a user with his sessions, bindings, password and records. Raises `Missing`."""
    user = await unit.of(User).look(name)
    if user is None:
        raise USERS.missing(name)
    await admins.refuse_last(unit, name)
    await sessions.end_sessions(unit, name, "deleted")
    await members.leave_everywhere(unit, name, by=by)
    await roles.unbind_global_roles(unit, name)
    for record in await unit.of(LoginRecord).find(Find((Equal("user", name),))):
        await unit.of(LoginRecord).drop(record.key)
    if await unit.of(Credential).look(name) is not None:
        await unit.of(Credential).drop(name)
    if await unit.of(Attempts).look(name) is not None:
        await unit.of(Attempts).drop(name)
    await unit.of(User).drop(name)
    unit.emit(domain.delete(user, by=by), subject=subject(name), about=user)
    return user


async def set_password(
    unit: Unit, name: str, hashed: Secret, *, proven: Secret | None, by: str, session: str, at: datetime
) -> User:
    """Keep another password's hash and end every session of the user but this one.

    `proven` is the hash that the caller's old password was verified against; None where he needed none. Raises
    `Missing`, and `Invalid` when the password was changed meanwhile.
    """
    user = await unit.of(User).look(name)
    if user is None:
        raise USERS.unknown(name)
    credentials = unit.of(Credential)
    kept = await credentials.look(name)
    if proven is not None and (kept is None or kept.hash != proven):
        raise Invalid("old-password", "incorrect old password")
    await credentials.put(Credential(user=name, hash=hashed, changed_at=at))
    user = await unit.of(User).put(domain.password_set(user, at))
    unit.emit(PasswordChanged(user=name, by=by), subject=subject(name), about=user)
    await sessions.end_sessions(unit, name, "password-changed", but=session)
    return user


async def unlock_user(unit: Unit, name: str, *, at: datetime) -> bool:
    """Take his password again, if his lock has run out; whether it had."""
    user = await unit.of(User).look(name)
    if user is None or user.state != State.LOCKED or (user.locked_until is not None and user.locked_until > at):
        return False
    await sessions.unlock(unit, user, at=at)
    return True


async def _move(unit: Unit, user: User, state: str | None, *, by: str, at: datetime) -> User:
    """Enable or disable him, where that is wished and he isn't."""
    if state == State.DISABLED and user.state != State.DISABLED:
        disabled, told = domain.disable(user, by=by, at=at)
        await admins.refuse_last(unit, user.name)
        disabled = await unit.of(User).put(disabled)
        unit.emit(told, subject=subject(user.name), about=disabled)
        await sessions.end_sessions(unit, user.name, "disabled")
        return disabled
    if state == State.ACTIVE and user.state == State.LOCKED:
        return await sessions.unlock(unit, user, at=at)
    if state == State.ACTIVE and user.state == State.DISABLED:
        enabled, event = domain.enable(user, by=by, at=at)
        enabled = await unit.of(User).put(enabled)
        unit.emit(event, subject=subject(user.name), about=enabled)
        return enabled
    return user


async def _refuse_taken(unit: Unit, user: User) -> None:
    if not user.email_key:
        return
    others = await unit.of(User).find(Find((Equal("email_key", user.email_key),), limit=1))
    if others and others[0].name != user.name:
        raise domain.taken(user.email)


def _refuse_beyond_profile(before: User, wish: UserWish, *, by: str, other_role: bool) -> None:
    if by != before.name:
        raise USERS.denied(before.name, f'User "{by}" may change no other user')
    fields = domain.beyond_profile(before, wish)
    if other_role:
        fields = (*fields, f"metadata.annotations[{domain.GLOBAL_ROLE}]")
    if fields:
        raise USERS.denied(
            before.name,
            f'User "{by}" may change only email, lang, displayName, description and the password of their own account,'
            f" not {', '.join(fields)}",
        )
