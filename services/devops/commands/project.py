"""Making, changing and removing projects, with their roles and bindings."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Document, Equal, Find, Unit
from services.devops.commands import member as members
from services.devops.domain import project as domain
from services.devops.domain import role as roles
from services.devops.domain.credential import Credential
from services.devops.domain.node import Node
from services.devops.domain.pipeline import Pipeline, Tally
from services.devops.domain.project import Project, ProjectWish
from services.devops.domain.remnant import Remnant
from services.devops.domain.resource import PROJECTS, check_version
from services.devops.domain.role import ADMIN, Binding, Role, Seeds
from services.devops.domain.run import Run


async def create_project(unit: Unit, wish: ProjectWish, seeds: Seeds, *, uid: str, by: str, at: datetime) -> Project:
    """Make a project with its built-in roles, whose creator is its administrator.

    Raises `Invalid`; `Exists` where the workspace has one that is called so.
    """
    project = domain.make(wish, uid=uid, by=by, at=at)
    if project.called and await unit.of(Project).count(Find((Equal("called", project.called),))):
        raise domain.taken(project.generate_name)
    if await unit.of(Project).look(project.name) is not None:
        raise PROJECTS.exists(project.name)
    await _refuse_remains(unit, project.name)
    project = await unit.of(Project).add(project)
    unit.emit(domain.created(project), subject=domain.subject(project.name), workspace=project.workspace, about=project)
    for seed in seeds.roles:
        role = await unit.of(Role).add(roles.of_seed(seed, project.name, uid=uid, at=at))
        unit.emit(roles.observed(role), subject=domain.subject(project.name), workspace=project.workspace, about=role)
    await members.bind(unit, project, by, ADMIN, at=at)
    return project


async def change_project(
    unit: Unit, wish: ProjectWish, version: str | None, *, workspace: str = "", by: str
) -> Project:
    """Replace what is said of a project; None as version takes any. Raises `Missing`, `Invalid`, `Stale`."""
    before = await find(unit, wish.name, workspace)
    if version is not None:
        check_version(PROJECTS, before, version)
    project = await unit.of(Project).put(domain.change(before, wish))
    unit.emit(
        domain.changed(project, by=by),
        subject=domain.subject(project.name),
        workspace=project.workspace,
        about=project,
    )
    return project


async def delete_project(unit: Unit, name: str, *, workspace: str = "", by: str) -> Project:
    """Remove a project with its roles and bindings; what else was in it is swept by a worker. Raises `Missing`."""
    project = await find(unit, name, workspace)
    subject = domain.subject(name)
    mine = Find((Equal("project", name),))
    for binding in await unit.of(Binding).find(mine):
        await unit.of(Binding).drop(binding.path)
        unit.emit(roles.unbound(binding), subject=subject, workspace=project.workspace, about=binding)
    for role in await unit.of(Role).find(mine):
        await unit.of(Role).drop(role.path)
        unit.emit(roles.gone(role), subject=subject, workspace=project.workspace, about=role)
    await unit.of(Project).drop(name)
    await unit.of(Remnant).put(Remnant(path=name, project=name))
    unit.emit(domain.deleted(project, by=by), subject=subject, workspace=project.workspace, about=project)
    return project


async def delete_projects_of(unit: Unit, workspace: str, *, by: str) -> None:
    """Remove all projects of a workspace that is gone."""
    for project in await unit.of(Project).find(Find((Equal("workspace", workspace),))):
        await delete_project(unit, project.name, by=by)


async def find(unit: Unit, name: str, workspace: str = "") -> Project:
    """The project, of that workspace where one is named. Raises `Missing`."""
    project = await unit.of(Project).look(name)
    if project is None or (workspace and project.workspace != workspace):
        raise PROJECTS.missing(name)
    return project


async def _refuse_remains(unit: Unit, name: str) -> None:
    """Raise `Conflict` while something of a former project of this name is still being swept."""
    mine = Find((Equal("project", name),), limit=1)
    for kind in REMAINS:
        if await unit.of(kind).find(mine):
            text = f'devopsprojects.devops.kubesphere.io "{name}" is still being removed: try again in a moment'
            raise Conflict("devopsproject-remains", text, resource=PROJECTS.plural, name=name)


REMAINS: tuple[type[Document], ...] = (Role, Binding, Remnant, Credential, Pipeline, Tally, Run, Node)
