"""Making, changing and removing roles of a project's own."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.domain import project as projects
from services.devops.domain import role as domain
from services.devops.domain.project import Project
from services.devops.domain.resource import ROLES, path_of
from services.devops.domain.role import ROLES_LIMIT, Role, RoleWish, Seeds


async def create_role(unit: Unit, project: Project, wish: RoleWish, seeds: Seeds, *, uid: str, at: datetime) -> Role:
    """Make a role out of templates. Raises `Invalid`, `Exists`, `Missing` for a template that there is not."""
    domain.check(wish, seeds.templates)
    rules = domain.summed(wish, seeds.templates)
    domain.check_weight(wish, rules)
    if await unit.of(Role).look(path_of(project.name, wish.name)) is not None:
        raise ROLES.exists(wish.name)
    if await unit.of(Role).count(Find((Equal("project", project.name),))) >= ROLES_LIMIT:
        text = f"the project {project.name} has {ROLES_LIMIT} roles, which is the most"
        raise Conflict("too-many-roles", text, resource=ROLES.plural, name=wish.name)
    return await _told(unit, project, await unit.of(Role).add(domain.make(wish, project.name, rules, uid=uid, at=at)))


async def change_role(unit: Unit, project: Project, wish: RoleWish, seeds: Seeds) -> Role:
    """Make a role out of other templates, or say something else of it. Raises `Missing`, `Invalid`, `Denied`."""
    domain.check(wish, seeds.templates)
    before = await _find(unit, project.name, wish.name)
    domain.check_own(before)
    rules = domain.summed(wish, seeds.templates)
    domain.check_weight(wish, rules)
    changed = before.changed(labels=wish.labels, annotations=wish.annotations, rules=rules)
    return await _told(unit, project, await unit.of(Role).put(changed))


async def delete_role(unit: Unit, project: Project, name: str) -> None:
    """Remove a role; bindings of it stay and grant nothing. Raises `Missing`, `Denied`."""
    role = await _find(unit, project.name, name)
    domain.check_own(role)
    await unit.of(Role).drop(role.path)
    unit.emit(domain.gone(role), subject=projects.subject(project.name), workspace=project.workspace, about=role)


async def _find(unit: Unit, project: str, name: str) -> Role:
    role = await unit.of(Role).look(path_of(project, name))
    if role is None:
        raise ROLES.missing(name)
    return role


async def _told(unit: Unit, project: Project, role: Role) -> Role:
    unit.emit(domain.observed(role), subject=projects.subject(project.name), workspace=project.workspace, about=role)
    return role
