"""User and LoginRecord through `/apis/iam.kubesphere.io/v1alpha2`.

A password goes in at `/spec/password` and never comes out. KubeSphere's raw path gives every signed-in user the hashes
of all, and lets him change anything of himself, his groups included (spec section 13): neither is so here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.shared.errors import Denied
from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from libs.shared.values import Secret
from services.accounts.commands import user as commands
from services.accounts.domain import password
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.resource import IAM, LOGIN_RECORDS, USERS
from services.accounts.domain.role import GlobalRole
from services.accounts.domain.user import UNINITIALIZED, User
from services.accounts.parts import DELETES_USERS, EVERYTHING, MANAGES_USERS, Parts
from services.accounts.queries import rights
from services.accounts.shapes import user as shapes

PASSWORD = "/spec/password"  # noqa: S105  # where it stands


async def hash_password(wish: JsonObject, parts: Parts) -> Secret | None:
    """The hash of the password that the object carries, if any; raises `Invalid` for a weak one."""
    given = shapes.password(wish)
    if given is None:
        return None
    password.check(shapes.name(wish), given)
    return await parts.passwords.hash(given)


async def create(unit: Unit, wish: JsonObject, ask: Ask) -> User:
    """Make a user; a global role with rules only for those who may do everything."""
    if ask.user == "system:pre-registration":
        raise Denied("pre-registration", "who registers himself does so at /kapis/iam.kubesphere.io/v1alpha2/users")
    wanted = shapes.user_wish(wish)
    if wanted.global_role:
        await refuse_escalation(unit, wanted.global_role, ask)
    await refuse_groups(unit, wanted.groups, ask)
    return await commands.create_user(unit, wanted, _hashed(ask), uid=unit.id, by=ask.user, at=ask.at)


async def update(unit: Unit, before: User, wish: JsonObject, ask: Ask) -> User:
    """Change a user, and his password where the object carries one."""
    manager = bool(ask.answers.get(MANAGES_USERS.name))
    sets_password = PASSWORD in ask.written
    if sets_password and not manager and not (ask.user == before.name and before.annotations.get(UNINITIALIZED)):
        raise USERS.denied(before.name, "a password is changed at users/{name}/password, with the old one")
    wanted = shapes.user_wish(wish)
    if manager:
        await refuse_person(unit, before.name, ask)
        await refuse_groups(unit, sorted(set(wanted.groups) - set(before.groups)), ask)
    if wanted.global_role:
        await refuse_escalation(unit, wanted.global_role, ask)
    version = str(before.stamp.revision)
    after = await commands.change_user(unit, wanted, version, by=ask.user, manager=manager, uid=unit.id, at=ask.at)
    hashed = _hashed(ask)
    if sets_password and hashed is not None:
        session = ask.session if ask.user == before.name else ""
        after = await commands.set_password(
            unit, before.name, hashed, proven=None, by=ask.user, session=session, at=ask.at
        )
    return after


async def remove(unit: Unit, before: User, ask: Ask) -> None:
    """Remove a user; nobody removes himself without the right to remove users."""
    if not ask.answers.get(DELETES_USERS.name):
        raise USERS.denied(before.name, f'User "{ask.user}" may not delete users')
    await refuse_person(unit, before.name, ask)
    await commands.delete_user(unit, before.name, by=ask.user)


async def refuse_escalation(unit: Unit, role: str, ask: Ask) -> None:
    """Raise `Denied` where somebody grants a role with rules who may not do everything himself."""
    found = await unit.of(GlobalRole).look(role)
    if found is not None and found.effective and not ask.answers.get(EVERYTHING.name):
        raise Denied("escalation", f'User "{ask.user}" may grant globalrole "{role}" only through /kapis')


async def refuse_person(unit: Unit, name: str, ask: Ask) -> None:
    """Raise `Denied` where somebody who may not do everything changes or removes another one who has global roles."""
    if name != ask.user and not ask.answers.get(EVERYTHING.name) and await rights.everywhere(unit, name):
        raise Denied("escalation", f'User "{ask.user}" may change user "{name}", who has rights, only through /kapis')


async def refuse_groups(unit: Unit, groups: Iterable[str], ask: Ask) -> None:
    """Raise `Denied` where somebody who may not do everything puts a user in groups that are allowed anything."""
    if not ask.answers.get(EVERYTHING.name) and any((await rights.of_groups(unit, groups)).values()):
        raise Denied("escalation", f'User "{ask.user}" may put users in groups with rights only through /kapis')


def _hashed(ask: Ask) -> Secret | None:
    prepared: Any = ask.prepared
    return prepared if isinstance(prepared, Secret) else None


USER = Kind(
    group=IAM,
    version="v1alpha2",
    kind=USERS.kind,
    plural=USERS.plural,
    singular=USERS.singular,
    document=User,
    model=shapes.UserShape,
    show=shapes.user,
    create=create,
    update=update,
    remove=remove,
    prepare=hash_password,
    write_only=(PASSWORD,),
    fields=("spec.email", "status.state"),
    categories=("iam",),
    questions=(MANAGES_USERS, DELETES_USERS, EVERYTHING),
)

LOGIN_RECORD = Kind(
    group=IAM,
    version="v1alpha2",
    kind=LOGIN_RECORDS.kind,
    plural=LOGIN_RECORDS.plural,
    singular=LOGIN_RECORDS.singular,
    document=LoginRecord,
    model=shapes.LoginRecordShape,
    show=shapes.login_record,
    fields=("spec.type",),
    categories=("iam",),
)
