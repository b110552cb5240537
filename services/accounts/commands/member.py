"""Inviting, changing and removing members of workspaces, and binding their roles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.contracts.accounts_v1 import Subject
from libs.shared.store.protocol import Equal, Find, Unit
from services.accounts.domain import member as domain
from services.accounts.domain import role as roles
from services.accounts.domain.member import Invitation
from services.accounts.domain.resource import (
    TEMPLATES,
    USERS,
    WORKSPACE_BINDINGS,
    WORKSPACE_ROLES,
    derived_uid,
)
from services.accounts.domain.role import WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.user import User
from services.accounts.domain.workspace import Workspace


async def invite_members(
    unit: Unit, workspace: str, invitations: Sequence[Invitation], *, uid: str, by: str, at: datetime
) -> None:
    """Give each of these users this role in the workspace and no other, all or none.

    Raises `Missing` for an unknown workspace, role of it, or user (KubeSphere binds users that aren't there, who then
    have the role once somebody makes an account of that name: not copied).
    """
    if await unit.of(Workspace).look(workspace) is None:
        raise TEMPLATES.unknown(workspace)
    for invitation in invitations:
        role = await unit.of(WorkspaceRole).look(invitation.role)
        if role is None or role.workspace != workspace:
            raise WORKSPACE_ROLES.unknown(invitation.role)
        if await unit.of(User).look(invitation.user) is None:
            raise USERS.unknown(invitation.user)
        await _bind_member(unit, workspace, invitation, uid=derived_uid(uid, "member", invitation.user), by=by, at=at)


async def remove_member(unit: Unit, workspace: str, user: str, *, by: str) -> None:
    """Take every role that the user has in the workspace; nothing happens where he has none."""
    bindings = await bindings_of(unit, workspace, user)
    for binding in bindings:
        await _take(unit, binding, user)
    if bindings:
        event = domain.removed(workspace, user, by=by)
        unit.emit(event, subject=f"workspaces/{workspace}", workspace=workspace)


async def leave_everywhere(unit: Unit, user: str, *, by: str) -> None:
    """Take every role that the user has in any workspace."""
    member = roles.member_key(roles.USER, user)
    bindings = await unit.of(WorkspaceRoleBinding).find(Find((Equal("members", member),)))
    for workspace in sorted({binding.workspace for binding in bindings}):
        await remove_member(unit, workspace, user, by=by)


async def bind_manager(unit: Unit, workspace: str, manager: str, *, uid: str, at: datetime) -> None:
    """Make an existing user admin of the workspace by the manager's own binding, which is rewritten when there is
    another one (spec 10.2); nothing happens for a manager who has no account. Where a member's binding of another
    workspace has the name, it is left alone: this one has another name, which follows from the workspace's uid.
    """
    if not manager or await unit.of(User).look(manager) is None:
        return
    role = domain.manager_binding(workspace)
    owner = await unit.of(Workspace).get(workspace)
    subjects = (roles.user_subject(manager),)
    for name in (role, roles.other_name(role, owner.uid)):
        before = await unit.of(WorkspaceRoleBinding).look(name)
        if before is None:
            await bind(unit, roles.bind_in_workspace(name, role, workspace, *subjects, uid=uid, at=at))
            return
        if _grants(before, workspace, role):
            if before.subjects != subjects:
                await rebind(unit, before, role, subjects)
            return
    raise WORKSPACE_BINDINGS.exists(role)


async def bind(unit: Unit, binding: WorkspaceRoleBinding) -> WorkspaceRoleBinding:
    """Keep a binding. Raises `Exists`, `Missing` for a role that isn't the workspace's, `Invalid`."""
    roles.check_subjects(WORKSPACE_BINDINGS, binding.name, binding.subjects)
    role = await unit.of(WorkspaceRole).look(binding.role)
    if role is None or role.workspace != binding.workspace:
        raise WORKSPACE_ROLES.unknown(binding.role)
    if await unit.of(WorkspaceRoleBinding).look(binding.name) is not None:
        raise WORKSPACE_BINDINGS.exists(binding.name)
    binding = await unit.of(WorkspaceRoleBinding).add(binding)
    _tell(unit, binding)
    return binding


async def rebind(
    unit: Unit, before: WorkspaceRoleBinding, role: str, subjects: Sequence[Subject]
) -> WorkspaceRoleBinding:
    """Give a binding other subjects, or another role of its workspace. Raises `Missing`, `Invalid`."""
    roles.check_subjects(WORKSPACE_BINDINGS, before.name, subjects)
    found = await unit.of(WorkspaceRole).look(role)
    if found is None or found.workspace != before.workspace:
        raise WORKSPACE_ROLES.unknown(role)
    binding = await unit.of(WorkspaceRoleBinding).put(roles.rebound(before, role, tuple(subjects)))
    _tell(unit, binding, before.subjects)
    return binding


async def unbind(unit: Unit, binding: WorkspaceRoleBinding) -> None:
    """Remove a binding."""
    await unit.of(WorkspaceRoleBinding).drop(binding.name)
    event = roles.unbound(binding)
    unit.emit(event, subject=f"workspaces/{binding.workspace}", workspace=binding.workspace, about=binding)


async def bindings_of(unit: Unit, workspace: str, user: str) -> list[WorkspaceRoleBinding]:
    """The bindings of this workspace that name the user, the oldest first."""
    member = roles.member_key(roles.USER, user)
    where = (Equal("members", member), Equal("workspace", workspace))
    return await unit.of(WorkspaceRoleBinding).find(Find(where, sort="created_at"))


async def _bind_member(unit: Unit, workspace: str, invitation: Invitation, *, uid: str, by: str, at: datetime) -> None:
    """Bind one member; nothing happens where he has just this role."""
    before = await bindings_of(unit, workspace, invitation.user)
    if [binding.role for binding in before] == [invitation.role]:
        return
    for old in before:
        await _take(unit, old, invitation.user)
    name = domain.binding_name(invitation.user, invitation.role)
    subject = roles.user_subject(invitation.user)
    taken = await unit.of(WorkspaceRoleBinding).look(name)
    if taken is not None and _grants(taken, workspace, invitation.role):
        binding = await rebind(unit, taken, taken.role, (*taken.subjects, subject))
    else:
        name = name if taken is None else roles.other_name(name, uid)
        binding = await bind(unit, roles.bind_in_workspace(name, invitation.role, workspace, subject, uid=uid, at=at))
    event = domain.joined(workspace, invitation.user, invitation.role, before=before[0].role if before else "", by=by)
    unit.emit(event, subject=f"workspaces/{workspace}", workspace=workspace, about=binding)


def _grants(binding: WorkspaceRoleBinding, workspace: str, role: str) -> bool:
    """Whether it grants this role of this workspace: names of users, workspaces and roles run into each other (`a` and
    `b-admin`, `a-b` and `admin`), so that a name alone says nothing of what a binding grants.
    """
    return (binding.workspace, binding.role) == (workspace, role)


async def _take(unit: Unit, binding: WorkspaceRoleBinding, user: str) -> None:
    """Take the user out of a binding; others that it names keep it (KubeSphere takes it from all: not copied)."""
    left = roles.without(binding, user)
    if left:
        after = await unit.of(WorkspaceRoleBinding).put(roles.rebound(binding, binding.role, left))
        _tell(unit, after, binding.subjects)
    else:
        await unbind(unit, binding)


def _tell(unit: Unit, binding: WorkspaceRoleBinding, former: tuple[Subject, ...] = ()) -> None:
    event = roles.bound(binding, former)
    unit.emit(event, subject=f"workspaces/{binding.workspace}", workspace=binding.workspace, about=binding)
