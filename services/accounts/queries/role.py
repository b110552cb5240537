"""Reading roles and templates."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.store.protocol import Equal, Find, Store
from services.accounts.domain import role as domain
from services.accounts.domain.resource import GLOBAL_ROLES, WORKSPACE_ROLES
from services.accounts.domain.role import TEMPLATE, GlobalRole, RoleWish, WorkspaceRole


async def global_role(store: Store, name: str) -> GlobalRole:
    """The role of this name; raises `Missing`."""
    found = await store.of(GlobalRole).look(name)
    if found is None:
        raise GLOBAL_ROLES.unknown(name)
    return found


async def global_roles(store: Store) -> list[GlobalRole]:
    """Every global role and template."""
    return await store.of(GlobalRole).find()


async def aggregated_global(store: Store, name: str) -> list[GlobalRole]:
    """The templates that a role is made of, those that there are; none for an unknown role."""
    role = await store.of(GlobalRole).look(name)
    found = [await store.of(GlobalRole).look(each) for each in _names(role)]
    return [each for each in found if each is not None]


async def workspace_role(store: Store, workspace: str, name: str) -> WorkspaceRole:
    """The role of this workspace; raises `Missing`, for another workspace's too."""
    found = await store.of(WorkspaceRole).look(name)
    if found is None or found.workspace != workspace:
        raise WORKSPACE_ROLES.unknown(name)
    return found


async def workspace_roles(store: Store, workspace: str) -> list[WorkspaceRole]:
    """The workspace's own roles."""
    return await store.of(WorkspaceRole).find(Find((Equal("workspace", workspace),)))


async def workspace_templates(store: Store, workspace: str) -> list[WorkspaceRole]:
    """The templates that all workspaces share, and the workspace's own (KubeSphere lists those of others too)."""
    shared = await store.of(WorkspaceRole).find(Find((Equal("workspace", ""),)))
    return shared + [role for role in await workspace_roles(store, workspace) if TEMPLATE in role.labels]


async def aggregated_in_workspace(store: Store, workspace: str, name: str) -> list[WorkspaceRole]:
    """The templates that a role of this workspace is made of, those that there are; none for an unknown role."""
    role = await store.of(WorkspaceRole).look(name)
    if role is None or role.workspace not in ("", workspace):
        return []
    found = [await store.of(WorkspaceRole).look(each) for each in _names(role)]
    return [each for each in found if each is not None and each.workspace in ("", workspace)]


async def summed_global(store: Store, wish: RoleWish) -> tuple[Rule, ...]:
    """What a global role of this wish would allow."""
    found = [await store.of(GlobalRole).look(name) for name in domain.aggregated(wish.annotations) or ()]
    return domain.summed([role for role in found if role is not None])


async def summed_in_workspace(store: Store, wish: RoleWish) -> tuple[Rule, ...]:
    """What a workspace's role of this wish would allow."""
    found = [await store.of(WorkspaceRole).look(name) for name in domain.aggregated(wish.annotations) or ()]
    return domain.summed([role for role in found if role is not None])


def _names(role: GlobalRole | WorkspaceRole | None) -> tuple[str, ...]:
    listed = domain.aggregated(role.annotations) if role else None
    return tuple(dict.fromkeys(listed or ()))
