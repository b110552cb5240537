"""Making, changing and removing workspaces, with their roles and the manager's binding."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Exists
from libs.shared.store.protocol import Equal, Find, Unit
from services.accounts.commands import member as members
from services.accounts.domain import role as roles
from services.accounts.domain import workspace as domain
from services.accounts.domain.resource import TEMPLATES, WORKSPACE_ROLES, checked_version, derived_uid
from services.accounts.domain.role import RoleBase, WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.workspace import Workspace, WorkspaceWish


async def create_workspace(unit: Unit, wish: WorkspaceWish, *, uid: str, by: str, at: datetime) -> Workspace:
    """Make a workspace with its built-in roles and its manager's binding, all in this unit. Raises `Exists`,
    `Invalid`.
    """
    workspace, event = domain.create(wish, uid=uid, by=by, at=at)
    if await unit.of(Workspace).look(wish.name) is not None:
        raise TEMPLATES.exists(wish.name)
    workspace = await unit.of(Workspace).add(workspace)
    unit.emit(event, subject=_subject(wish.name), workspace=wish.name, about=workspace)
    for base in await unit.of(RoleBase).find(Find((Equal("kind", WORKSPACE_ROLES.kind),))):
        await _make_role(unit, base, workspace, at=at)
    await members.bind_manager(unit, wish.name, wish.manager, uid=derived_uid(uid, "binding", ""), at=at)
    return workspace


async def change_workspace(
    unit: Unit, wish: WorkspaceWish, version: str, *, uid: str, by: str, at: datetime
) -> Workspace:
    """Replace what is said of a workspace; another manager takes over the manager's binding. Raises `Missing`,
    `Stale`, `Invalid`.
    """
    before = await unit.of(Workspace).look(wish.name)
    if before is None:
        raise TEMPLATES.missing(wish.name)
    checked_version(TEMPLATES, before, version)
    workspace, event = domain.change(before, wish, by=by)
    if event is None:
        return before
    workspace = await unit.of(Workspace).put(workspace)
    unit.emit(event, subject=_subject(wish.name), workspace=wish.name, about=workspace)
    if workspace.manager != before.manager:
        await members.bind_manager(unit, wish.name, workspace.manager, uid=uid, at=at)
    return workspace


async def delete_workspace(unit: Unit, name: str, *, orphan: bool, by: str) -> Workspace:
    """Remove a workspace with its roles and bindings; `orphan` keeps its projects. Raises `Missing`."""
    workspace = await unit.of(Workspace).look(name)
    if workspace is None:
        raise TEMPLATES.missing(name)
    mine = Find((Equal("workspace", name),))
    for binding in await unit.of(WorkspaceRoleBinding).find(mine):
        await members.unbind(unit, binding)
    for role in await unit.of(WorkspaceRole).find(mine):
        await unit.of(WorkspaceRole).drop(role.name)
        unit.emit(roles.deleted(role), subject=_subject(name), workspace=name, about=role)
    await unit.of(Workspace).drop(name)
    unit.emit(domain.delete(workspace, orphan=orphan, by=by), subject=_subject(name), workspace=name, about=workspace)
    return workspace


async def _make_role(unit: Unit, base: RoleBase, workspace: Workspace, *, at: datetime) -> None:
    """Make one built-in role. Raises `Exists` where a role of another workspace has its name: whoever holds that one
    must not find himself with this.
    """
    role = roles.of_base(base, workspace.name, uid=derived_uid(workspace.uid, "role", base.role), at=at)
    if await unit.of(WorkspaceRole).look(role.name) is not None:
        text = f'"{workspace.name}" can\'t have its role "{role.name}": a role of another workspace is called so'
        raise Exists("workspacerole-exists", text, resource=WORKSPACE_ROLES.plural, name=role.name)
    role = await unit.of(WorkspaceRole).add(role)
    unit.emit(roles.created(role), subject=_subject(workspace.name), workspace=workspace.name, about=role)


def _subject(name: str) -> str:
    return f"workspaces/{name}"
