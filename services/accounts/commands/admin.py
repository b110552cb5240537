"""The platform keeps an administrator: the last one is neither removed, disabled nor given another role."""

from __future__ import annotations

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Equal, Find, Unit
from services.accounts.domain import role as roles
from services.accounts.domain.role import GlobalRoleBinding
from services.accounts.domain.seed import PLATFORM_ADMIN
from services.accounts.domain.user import State, User


async def administrators(unit: Unit) -> frozenset[str]:
    """Users who are bound to platform-admin by name and may sign in; who is locked for a while counts."""
    found = set()
    for binding in await unit.of(GlobalRoleBinding).find(Find((Equal("role", PLATFORM_ADMIN),))):
        for subject in binding.subjects:
            user = await unit.of(User).look(subject.name) if subject.kind == roles.USER else None
            if user is not None and user.state != State.DISABLED:
                found.add(user.name)
    return frozenset(found)


async def refuse_last(unit: Unit, *names: str) -> None:
    """Raise `Conflict` where nobody but these is an administrator of the platform."""
    admins = await administrators(unit)
    if admins and admins <= set(names):
        who = ", ".join(sorted(admins))
        text = (
            f'"{who}" is the last active user with the role {PLATFORM_ADMIN}, and can be neither removed, disabled nor '
            "given another role: give the role to somebody else first"
        )
        raise Conflict("last-administrator", text, resource="users", name=who)
