"""Accounts' events -> since when a workspace is."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceCreated, WorkspaceDeleted
from libs.shared.service import On
from libs.shared.store.protocol import Unit
from services.logging import commands


async def note_workspace(unit: Unit, event: WorkspaceCreated) -> None:
    """Its members see audit records of it from now on."""
    await commands.note_founded(unit, event.workspace, uid=event.uid)


async def forget_workspace(unit: Unit, event: WorkspaceDeleted) -> None:
    """A later one of that name is another one."""
    await commands.forget_founded(unit, event.workspace, uid=event.uid)


REACTIONS = (On(WorkspaceCreated, note_workspace), On(WorkspaceDeleted, forget_workspace))
