"""Messages that could not be handled: documents in the consumer's own store, visible, retried, released, discarded.

Later events of a parked subject are parked behind it, so that order within the subject holds; a `ParkedLane` tells in
one read by key whether anything of a subject is parked.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import ClassVar, Final

from libs.shared.bus.codec import encoded
from libs.shared.bus.protocol import Message, Unreadable
from libs.shared.event import Envelope
from libs.shared.store.protocol import Document, Equal, Find, Index, Store, Unit

LANE_BOUND: Final = 1000
"""Messages of one subject that may be parked; further ones wait on the bus."""
_REASON_LENGTH: Final = 2000


class Parked(Document):
    """One message that could not be handled, or waits behind one.

    `event` is the envelope as JSON text, or empty where the message could not be read: then `raw` is its bytes in
    base64. `position` is the bus's, and orders a lane. `waits` for one that was not tried yet, behind another.
    """

    COLLECTION: ClassVar[str] = "Parked"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("lane", "position")), Index(("next_try",)), Index(("position",)))

    id: str
    lane: str
    position: str
    type: str = ""
    subject: str = ""
    event: str = ""
    raw: str = ""
    reason: str
    attempts: int
    waits: bool = False
    parked_at: datetime
    next_try: datetime


class ParkedLane(Document):
    """That `parked` messages of one source's subject are parked."""

    COLLECTION: ClassVar[str] = "ParkedLane"
    KEY: ClassVar[str] = "lane"

    lane: str
    parked: int


def lane_of(envelope: Envelope) -> str:
    """What keeps its order: one source's subject."""
    return f"{envelope.source} {envelope.subject}"


def from_message(
    message: Message | Unreadable, *, reason: str, attempts: int, at: datetime, next_try: datetime, waits: bool = False
) -> Parked:
    """The document for a message; one that can't be read is a lane of its own, named by its position."""
    if isinstance(message, Unreadable):
        name, raw = f"unreadable-{message.position}", base64.b64encode(message.raw).decode()
        return Parked(
            id=name, lane=name, position=message.position, raw=raw, reason=reason[:_REASON_LENGTH], attempts=attempts,
            parked_at=at, next_try=next_try,
        )  # fmt: skip
    envelope = message.envelope
    return Parked(
        id=envelope.id,
        lane=lane_of(envelope),
        position=message.position,
        type=envelope.type,
        subject=envelope.subject,
        event=encoded(envelope).decode(),
        reason=reason[:_REASON_LENGTH],
        attempts=attempts,
        waits=waits,
        parked_at=at,
        next_try=next_try,
    )


async def blocked(unit: Unit, envelope: Envelope) -> ParkedLane | None:
    """The lane of this event, if anything of it is parked."""
    return await unit.of(ParkedLane).look(lane_of(envelope))


async def park(unit: Unit, parked: Parked, *, bound: int = LANE_BOUND) -> bool:
    """Keep it at the end of its lane; False when the lane is full. Parking again what is parked changes nothing."""
    if await unit.of(Parked).look(parked.id) is not None:
        return True
    lane = await unit.of(ParkedLane).look(parked.lane) or ParkedLane(lane=parked.lane, parked=0)
    if lane.parked >= bound:
        return False
    await unit.of(Parked).add(parked)
    await unit.of(ParkedLane).put(lane.model_copy(update={"parked": lane.parked + 1}))
    return True


def lane_find(lane: str, limit: int | None = None) -> Find:
    """A lane in its order."""
    return Find((Equal("lane", lane),), sort="position", limit=limit)


async def first_of(unit: Unit, lane: str) -> Parked | None:
    """The head of a lane."""
    found = await unit.of(Parked).find(lane_find(lane, 1))
    return found[0] if found else None


async def unpark(unit: Unit, parked: Parked, *, at: datetime) -> None:
    """Take it out of its lane; the next of the lane may be tried at once."""
    await unit.of(Parked).drop(parked.id)
    lanes = unit.of(ParkedLane)
    lane = await lanes.get(parked.lane)
    if lane.parked > 1:
        await lanes.put(lane.model_copy(update={"parked": lane.parked - 1}))
    else:
        await lanes.drop(lane.lane)
    if (following := await first_of(unit, parked.lane)) is not None:
        await unit.of(Parked).put(following.model_copy(update={"next_try": at}))


async def release(unit: Unit, name: str, *, at: datetime) -> Parked:
    """Let its lane be tried at once, from its head on; raises `Missing`."""
    parked = await unit.of(Parked).get(name)
    head = await first_of(unit, parked.lane) or parked
    for one in {head.id: head, parked.id: parked}.values():
        await unit.of(Parked).put(one.model_copy(update={"next_try": at}))
    return await unit.of(Parked).get(name)


async def discard(unit: Unit, name: str, consumer: str, *, at: datetime) -> None:
    """Give it up: it counts as handled, and what waits behind it goes on. Raises `Missing`."""
    parked = await unit.of(Parked).get(name)
    await unpark(unit, parked, at=at)
    unit.note(consumer, parked.id)


async def listed(store: Store, *, limit: int, offset: int) -> tuple[list[Parked], int]:
    """One page in the order of the bus, and how many there are."""
    reader = store.of(Parked)
    return await reader.find(Find(sort="position", limit=limit, offset=offset)), await reader.count()


DOCUMENTS: Final = (Parked, ParkedLane)
"""What a consumer's store has to be opened with."""
