"""Events that no bus will take: set aside in the publisher's own store, with the reason, so that others go on."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from libs.shared.bus.codec import encoded
from libs.shared.event import Envelope
from libs.shared.store.protocol import Document, Index, Unit

POSITION: Final = "refused"
"""What stands in the outbox as the bus's position of such a row."""


class Refused(Document):
    """One outbox row that the bus refused for good. `event` is the envelope as JSON text."""

    COLLECTION: ClassVar[str] = "Refused"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("refused_at",)),)

    id: str
    type: str
    subject: str
    event: str
    reason: str
    refused_at: datetime


async def set_aside(unit: Unit, envelope: Envelope, *, reason: str) -> None:
    """Keep it, once."""
    document = Refused(
        id=envelope.id,
        type=envelope.type,
        subject=envelope.subject,
        event=encoded(envelope).decode(),
        reason=reason,
        refused_at=unit.at,
    )
    await unit.of(Refused).put(document)


DOCUMENTS: Final = (Refused,)
"""What a publisher's store has to be opened with."""
