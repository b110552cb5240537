"""Projects, their roles and bindings, as events that would make them so: the snapshot of the gateway's index."""

from __future__ import annotations

from collections.abc import AsyncIterator

from libs.shared.event import Event
from libs.shared.store.protocol import Store
from services.devops.domain import project as projects
from services.devops.domain import role as roles
from services.devops.domain.project import Project
from services.devops.domain.role import Binding, Role
from services.devops.queries.paged import every

Told = tuple[str, int, Event]
"""Subject, the document's version, and the event."""


async def index(store: Store) -> AsyncIterator[Told]:
    """All of them. What changes meanwhile is told by events, whose versions are newer."""
    async for project in every(store, Project):
        yield projects.subject(project.name), project.stamp.version, projects.created(project)
    async for role in every(store, Role):
        yield projects.subject(role.project), role.stamp.version, roles.observed(role)
    async for binding in every(store, Binding):
        yield projects.subject(binding.project), binding.stamp.version, roles.bound(binding)
