"""What becomes of messages to webhooks and chats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.store.protocol import Unit
from services.notification.domain import notice as domain
from services.notification.domain.letter import Patience
from services.notification.domain.notice import Failure, Notice, Progress


async def note_delivered(unit: Unit, name: str, *, status: int, at: datetime) -> None:
    """The receiver has it."""
    notice = await _queued(unit, name)
    if notice is not None:
        done, event = domain.deliver(notice, status, at)
        unit.emit(event, subject=f"notices/{name}", about=await unit.of(Notice).put(done))


async def put_off_notice(unit: Unit, name: str, failure: Failure, *, at: datetime, patience: Patience) -> None:
    """It did not arrive: later again, or never."""
    notice = await _queued(unit, name)
    if notice is None:
        return
    tried, event = domain.put_off(notice, failure, at, patience)
    tried = await unit.of(Notice).put(tried)
    if event is not None:
        unit.emit(event, subject=f"notices/{name}", about=tried)


async def abandon_notice(unit: Unit, name: str, *, why: str, at: datetime) -> None:
    """Nobody is there any more whom it could be told."""
    notice = await _queued(unit, name)
    if notice is not None:
        lost, event = domain.abandon(notice, why, "receiver-gone", at)
        unit.emit(event, subject=f"notices/{name}", about=await unit.of(Notice).put(lost))


async def sweep_notices(unit: Unit, names: Sequence[str]) -> None:
    """Forget those of these that ended."""
    for name in names:
        notice = await unit.of(Notice).look(name)
        if notice is not None and notice.state in domain.ENDED:
            await unit.of(Notice).drop(name)


async def _queued(unit: Unit, name: str) -> Notice | None:
    notice = await unit.of(Notice).look(name)
    return notice if notice is not None and notice.state is Progress.QUEUED else None
