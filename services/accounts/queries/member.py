"""Reading members of workspaces."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.store.protocol import Equal, Find, OneOf, Store
from services.accounts.domain import role as roles
from services.accounts.domain.member import Member
from services.accounts.domain.resource import USERS
from services.accounts.domain.role import WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.user import User


async def members(store: Store, workspace: str) -> list[Member]:
    """The users that the workspace's roles are bound to by name; the oldest binding of each counts."""
    bound: dict[str, str] = {}
    where = (Equal("workspace", workspace),)
    for binding in await store.of(WorkspaceRoleBinding).find(Find(where, sort="created_at")):
        for subject in binding.subjects:
            if subject.kind == roles.USER:
                bound.setdefault(subject.name, binding.role)
    found = await store.of(User).find(Find((OneOf("name", tuple(bound)),))) if bound else []
    return [Member(user, bound[user.name]) for user in found]


async def member(store: Store, workspace: str, name: str) -> Member:
    """One of them; raises `Missing`."""
    user = await store.of(User).look(name)
    bindings = await _bindings(store, workspace, (roles.member_key(roles.USER, name),))
    if user is None or not bindings:
        raise USERS.unknown(name)
    return Member(user, bindings[0].role)


async def member_templates(store: Store, workspace: str, name: str) -> list[WorkspaceRole]:
    """The templates that the user's roles in the workspace are made of, by himself and by his groups; none where he
    has no role there. Raises `Missing` for an unknown user.
    """
    user = await store.of(User).look(name)
    if user is None:
        raise USERS.unknown(name)
    keys = (roles.member_key(roles.USER, name), *(roles.member_key(roles.GROUP, group) for group in user.groups))
    held = [await store.of(WorkspaceRole).look(b.role) for b in await _bindings(store, workspace, keys)]
    listed = [n for role in held if role is not None for n in roles.aggregated(role.annotations) or ()]
    templates = [await store.of(WorkspaceRole).look(template) for template in dict.fromkeys(listed)]
    return [template for template in templates if template is not None]


async def granted(store: Store, workspace: str, role: str) -> tuple[Rule, ...]:
    """What a role of the workspace allows; nothing where there is none."""
    found = await store.of(WorkspaceRole).look(role)
    return found.effective if found is not None and found.workspace == workspace else ()


async def held(store: Store, workspace: str, name: str) -> tuple[Rule, ...]:
    """What the roles that are bound to a user by name allow him in the workspace."""
    bindings = await _bindings(store, workspace, (roles.member_key(roles.USER, name),))
    found = [await granted(store, workspace, role) for role in dict.fromkeys(binding.role for binding in bindings)]
    return tuple(rule for rules in found for rule in rules)


async def _bindings(store: Store, workspace: str, keys: tuple[str, ...]) -> list[WorkspaceRoleBinding]:
    where = (OneOf("members", keys), Equal("workspace", workspace))
    return await store.of(WorkspaceRoleBinding).find(Find(where, sort="created_at"))
