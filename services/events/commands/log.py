"""What changes the log: entries are added at its end, and the oldest are forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.bus.protocol import Message
from libs.shared.contracts.accounts_v1 import WorkspaceCreated
from libs.shared.contracts.events_v1 import LogInterrupted
from libs.shared.store.protocol import Find, OneOf, Unit
from services.events.domain.entry import Cursor, Entry, Floor, Swept, entered


async def append_entries(unit: Unit, messages: Sequence[Message], *, bus: str) -> int:
    """Add what the log doesn't hold yet, and note that the bus was read up to there; how many were added."""
    cursor = await unit.of(Cursor).look("log") or Cursor()
    envelopes = {message.envelope.id: message.envelope for message in messages}
    held = await unit.of(Entry).find(Find((OneOf("event", tuple(envelopes)),))) if envelopes else []
    for entry in held:
        del envelopes[entry.event]
    for position, envelope in enumerate(envelopes.values(), cursor.position + 1):
        await unit.of(Entry).add(entered(envelope, position))
        if envelope.type == WorkspaceCreated.full_type() and envelope.workspace:
            await unit.of(Floor).put(Floor(workspace=envelope.workspace, position=position))
    last = cursor.position + len(envelopes)
    await unit.of(Cursor).put(cursor.model_copy(update={"position": last, "bus": bus}))
    return len(envelopes)


async def drop_entries(unit: Unit, entries: Sequence[Entry]) -> None:
    """Forget these, the oldest of the log in their order, and floors below which nothing is left. Positions go on: none
    is given twice.
    """
    last = entries[-1].position
    for entry in entries:
        await unit.of(Entry).drop(entry.event)
    made = tuple(sorted({entry.workspace for entry in entries if entry.kind == WorkspaceCreated.__name__}))
    for floor in await unit.of(Floor).find(Find((OneOf("workspace", made),))) if made else ():
        if floor.position <= last:
            await unit.of(Floor).drop(floor.workspace)
    swept = await unit.of(Swept).look("log") or Swept()
    await unit.of(Swept).put(swept.model_copy(update={"position": last}))


async def note_gap(unit: Unit) -> LogInterrupted:
    """The bus no longer keeps what came next: begin with the first that it keeps, and tell."""
    cursor = await unit.of(Cursor).look("log") or Cursor()
    event = LogInterrupted(after=cursor.bus, position=cursor.position)
    noted = await unit.of(Cursor).put(cursor.model_copy(update={"bus": "", "gaps": cursor.gaps + 1}))
    unit.emit(event, subject="log/entries", about=noted)
    return event
