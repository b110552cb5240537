"""Whose a namespace is."""

from __future__ import annotations

from libs.shared.store.protocol import Unit
from services.alerting.domain.project import Project


async def workspace_of(unit: Unit, namespace: str) -> str:
    """The workspace of a namespace; empty for none, or one that was not told yet."""
    project = await unit.of(Project).look(namespace) if namespace else None
    return project.workspace if project else ""
