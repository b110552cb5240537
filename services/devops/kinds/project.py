"""DevOpsProject through `/apis`."""

from __future__ import annotations

from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from services.devops.commands import project as commands
from services.devops.domain.project import Project
from services.devops.domain.resource import DEVOPS, PROJECTS
from services.devops.domain.role import Seeds
from services.devops.parts import Parts
from services.devops.shapes import project as shapes


async def prepare_project(wish: JsonObject, parts: Parts) -> Seeds:  # noqa: ARG001  # a kind's signature
    """The roles that a project gets."""
    return parts.seeds


async def create_project(unit: Unit, wish: JsonObject, ask: Ask) -> Project:
    """Make a project in the workspace that its label names."""
    return await commands.create_project(
        unit, shapes.project_wish(wish), ask.prepared, uid=unit.id, by=ask.user, at=ask.at
    )


async def change_project(unit: Unit, before: Project, wish: JsonObject, ask: Ask) -> Project:  # noqa: ARG001  # the same
    """Change a project."""
    return await commands.change_project(unit, shapes.project_wish(wish), None, by=ask.user)


async def remove_project(unit: Unit, before: Project, ask: Ask) -> None:
    """Remove a project with all that is in it."""
    await commands.delete_project(unit, before.name, by=ask.user)


PROJECT = Kind(
    group=DEVOPS,
    version="v1alpha3",
    kind=PROJECTS.kind,
    plural=PROJECTS.plural,
    singular=PROJECTS.singular,
    document=Project,
    show=shapes.project,
    model=shapes.ProjectShape,
    prepare=prepare_project,
    create=create_project,
    update=change_project,
    remove=remove_project,
)
