"""Inviting, changing and removing members of projects, and binding their roles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.domain import project as projects
from services.devops.domain import role as domain
from services.devops.domain.project import Project
from services.devops.domain.resource import ROLES, derived_uid, path_of
from services.devops.domain.role import MEMBERS_LIMIT, USER, Binding, Invitation, Role, member_key


async def invite_members(unit: Unit, project: Project, invitations: Sequence[Invitation], *, at: datetime) -> None:
    """Give each of these users this role in the project and no other, all or none. Raises `Missing` for a role that
    the project doesn't have.
    """
    for invitation in invitations:
        if await unit.of(Role).look(path_of(project.name, invitation.role)) is None:
            raise ROLES.missing(invitation.role, who=ROLES.singular)
        standing = await _bindings(unit, project.name, invitation.user)
        if [binding.role for binding in standing] == [invitation.role]:
            continue
        await _unbind(unit, project, standing)
        await bind(unit, project, invitation.user, invitation.role, at=at)


async def remove_member(unit: Unit, project: Project, user: str) -> None:
    """Take every role in the project from a user; whoever is no member is passed over."""
    await _unbind(unit, project, await _bindings(unit, project.name, user))


async def bind(unit: Unit, project: Project, user: str, role: str, *, at: datetime) -> Binding:
    """Grant a role to one user. Raises `Conflict` when the project has as many members as it may have."""
    if await unit.of(Binding).count(Find((Equal("project", project.name),))) >= MEMBERS_LIMIT:
        text = f"the project {project.name} has {MEMBERS_LIMIT} members, which is the most"
        raise Conflict("too-many-members", text, resource="members", name=user)
    uid = derived_uid(f"{project.uid}/{at.isoformat()}", "binding", f"{user}/{role}")
    binding = await unit.of(Binding).put(domain.bind(project.name, user, role, uid=uid, at=at))
    unit.emit(domain.bound(binding), subject=projects.subject(project.name), workspace=project.workspace, about=binding)
    return binding


async def forget_user(unit: Unit, user: str) -> None:
    """Take every binding from somebody who is no more: another of his name must not come by his roles."""
    for binding in await unit.of(Binding).find(Find((Equal("members", member_key(USER, user)),))):
        project = await unit.of(Project).look(binding.project)
        if project is not None:
            await _unbind(unit, project, (binding,))


async def _bindings(unit: Unit, project: str, user: str) -> list[Binding]:
    mine = Find((Equal("members", member_key(USER, user)), Equal("project", project)))
    return await unit.of(Binding).find(mine)


async def _unbind(unit: Unit, project: Project, bindings: Sequence[Binding]) -> None:
    for binding in bindings:
        await unit.of(Binding).drop(binding.path)
        unit.emit(
            domain.unbound(binding),
            subject=projects.subject(project.name),
            workspace=project.workspace,
            about=binding,
        )
