"""Reading users, their global roles and how they signed in."""

from __future__ import annotations

from collections.abc import Mapping

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.store.protocol import Equal, Find, Store
from services.accounts.domain import role as roles
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.resource import USERS
from services.accounts.domain.role import GlobalRole, GlobalRoleBinding
from services.accounts.domain.user import User


async def found(store: Store, name: str) -> User | None:
    """The user of this name, if there is one."""
    return await store.of(User).look(name)


async def user(store: Store, name: str) -> User:
    """The user of this name; raises `Missing`."""
    found = await store.of(User).look(name)
    if found is None:
        raise USERS.unknown(name)
    return found


async def users(store: Store) -> list[User]:
    """Every user."""
    return await store.of(User).find()


async def global_role(store: Store, name: str) -> str:
    """The global role that is bound to the user by name, or empty text."""
    where = (Equal("members", roles.member_key(roles.USER, name)),)
    bindings = await store.of(GlobalRoleBinding).find(Find(where, sort="created_at", limit=1))
    return bindings[0].role if bindings else ""


async def global_roles(store: Store) -> Mapping[str, str]:
    """User -> the global role that is bound to him by name; the oldest binding counts."""
    found: dict[str, str] = {}
    for binding in await store.of(GlobalRoleBinding).find(Find(sort="created_at")):
        for subject in binding.subjects:
            if subject.kind == roles.USER:
                found.setdefault(subject.name, binding.role)
    return found


async def global_templates(store: Store, name: str) -> list[GlobalRole]:
    """The templates that the user's global role is made of, those that there are; none without a role."""
    role = await store.of(GlobalRole).look(await global_role(store, name))
    listed = roles.aggregated(role.annotations) if role else None
    templates = [await store.of(GlobalRole).look(template) for template in dict.fromkeys(listed or ())]
    return [template for template in templates if template is not None]


async def granted(store: Store, role: str) -> tuple[Rule, ...]:
    """What a global role allows; nothing where there is none."""
    found = await store.of(GlobalRole).look(role)
    return found.effective if found else ()


async def login_records(store: Store, name: str) -> list[LoginRecord]:
    """How the user's attempts to sign in ended."""
    return await store.of(LoginRecord).find(Find((Equal("user", name),)))
