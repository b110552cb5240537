"""Accounts' events -> what is to become of projects. Nothing here talks to the cluster: workers do."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from libs.shared.service import On
from libs.shared.store.protocol import Unit
from services.cluster.commands import project as commands


async def end_projects(unit: Unit, event: WorkspaceDeleted) -> None:
    """Its projects go with it, or leave it where it was deleted with `Orphan`."""
    await commands.end_workspace(unit, event.workspace, orphan=event.orphan)


REACTIONS = (On(WorkspaceDeleted, end_projects),)
