"""Notes about projects that outlive a restart: who founded them, and which workspaces have ended."""

from __future__ import annotations

from datetime import datetime

from libs.shared.store.protocol import Unit
from services.cluster.domain.project import Ending, Founded


async def note_founded(unit: Unit, uid: str, project: str, creator: str) -> None:
    """The creator has been made admin; nobody else will be for having created it."""
    await unit.of(Founded).put(Founded(uid=uid, project=project, creator=creator))


async def forget_founded(unit: Unit, uid: str) -> None:
    """The project is gone."""
    if await unit.of(Founded).look(uid) is not None:
        await unit.of(Founded).drop(uid)


async def end_workspace(unit: Unit, workspace: str, *, orphan: bool) -> None:
    """Its projects of now are to go with it, or (orphan) to leave it."""
    await unit.of(Ending).put(Ending(name=workspace, orphan=orphan, at=unit.at))


async def forget_endings(unit: Unit, before: datetime) -> None:
    """Those that were seen through long ago."""
    for ending in await unit.of(Ending).find():
        if ending.at < before:
            await unit.of(Ending).drop(ending.name)
