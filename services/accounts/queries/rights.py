"""What somebody is allowed, read from the store: looked at before another one may change him, or lend him a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.store.protocol import Find, OneOf, Store, Unit
from services.accounts.domain import role as roles
from services.accounts.domain.role import GlobalRole, GlobalRoleBinding, WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.user import User


async def everywhere(reads: Store | Unit, name: str) -> tuple[Rule, ...]:
    """What a user's global roles allow, those that are bound to him and to his groups; nothing for an unknown one."""
    user = await reads.of(User).look(name)
    groups = user.groups if user is not None else ()
    return await _global(reads, (roles.member_key(roles.USER, name), *_keys(groups)))


async def of_groups(reads: Store | Unit, groups: Iterable[str]) -> Mapping[str, tuple[Rule, ...]]:
    """What these groups are allowed, by workspace; under empty text what they are allowed everywhere."""
    keys = _keys(groups)
    found: dict[str, tuple[Rule, ...]] = defaultdict(tuple)
    if not keys:
        return found
    found[""] = await _global(reads, keys)
    for binding in await reads.of(WorkspaceRoleBinding).find(Find((OneOf("members", keys),))):
        role = await reads.of(WorkspaceRole).look(binding.role)
        if role is not None and role.workspace == binding.workspace:
            found[binding.workspace] += role.effective
    return found


async def _global(reads: Store | Unit, keys: tuple[str, ...]) -> tuple[Rule, ...]:
    bindings = await reads.of(GlobalRoleBinding).find(Find((OneOf("members", keys),)))
    found = [await reads.of(GlobalRole).look(name) for name in dict.fromkeys(binding.role for binding in bindings)]
    return tuple(rule for role in found if role is not None for rule in role.effective)


def _keys(groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(roles.member_key(roles.GROUP, group) for group in groups)
