"""An entry of the log, and where the log stands."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from libs.shared.event import Envelope
from libs.shared.store.protocol import Document, Index


class Entry(Document):
    """One event at its position: 1, 2, 3 …, in the order in which the bus handed it over. It never changes."""

    COLLECTION: ClassVar[str] = "entries"
    KEY: ClassVar[str] = "event"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("position",)),
        Index(("subject", "position")),
        Index(("kind", "position")),
        Index(("workspace", "position")),
        Index(("time",)),
    )

    event: str
    """Its CloudEvents id: the bus may hand it over twice, the log has it once."""
    position: int
    type: str
    kind: str
    """The event's one spelling, such as `UserCreated`."""
    source: str
    subject: str
    time: datetime
    data: str
    sequence: int
    workspace: str
    """Empty for what only platform administrators see."""
    actor: str
    correlationid: str
    causationid: str
    traceparent: str


class Cursor(Document):
    """Where the log stands: its own last position, and the bus's that it has read up to."""

    COLLECTION: ClassVar[str] = "cursors"

    name: str = "log"
    position: int = 0
    bus: str = ""
    gaps: int = 0
    """How often the bus no longer kept what came next."""


class Floor(Document):
    """Where a workspace's history begins for its members: a former one of the same name was somebody else's."""

    COLLECTION: ClassVar[str] = "floors"
    KEY: ClassVar[str] = "workspace"

    workspace: str
    position: int
    """Of the latest `WorkspaceCreated` of that name."""


class Swept(Document):
    """Up to which position entries are no longer kept. Of its own, so that sweeping and mirroring don't collide."""

    COLLECTION: ClassVar[str] = "swept"

    name: str = "log"
    position: int = 0


def entered(envelope: Envelope, position: int) -> Entry:
    """The event, at its position."""
    return Entry(
        event=envelope.id,
        position=position,
        type=envelope.type,
        kind=envelope.name,
        source=envelope.source,
        subject=envelope.subject,
        time=envelope.time,
        data=envelope.data,
        sequence=envelope.sequence,
        workspace=envelope.workspace,
        actor=envelope.actor,
        correlationid=envelope.correlationid,
        causationid=envelope.causationid,
        traceparent=envelope.traceparent,
    )
