"""What logging notes in its store."""

from __future__ import annotations

from libs.shared.store.protocol import Unit
from services.logging.domain.read import Read
from services.logging.domain.workspace import Founded


async def note_read(unit: Unit, channel: str, *, position: str) -> None:
    """All up to this position of a channel is kept."""
    await unit.of(Read).put(Read(channel=channel, position=position))


async def note_founded(unit: Unit, workspace: str, *, uid: str) -> None:
    """A workspace stands."""
    await unit.of(Founded).put(Founded(workspace=workspace, uid=uid))


async def forget_founded(unit: Unit, workspace: str, *, uid: str) -> None:
    """It is gone; a later one of that name stays."""
    known = await unit.of(Founded).look(workspace)
    if known is not None and known.uid == uid:
        await unit.of(Founded).drop(workspace)
