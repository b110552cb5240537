"""Making, changing and removing receivers, configs, routers, silences, secrets and texts."""

from __future__ import annotations

from datetime import datetime

from libs.shared.store.protocol import Unit
from services.notification.domain import object as domain
from services.notification.domain.object import Kept, Wish


async def create_object(unit: Unit, kind: type[Kept], wish: Wish, *, uid: str, by: str, at: datetime) -> Kept:
    """Make one. Raises `Exists`, of whomever the other one is: names are the whole platform's."""
    if await unit.of(kind).look(wish.name) is not None:
        raise kind.NOUN.exists(wish.name)
    kept, event = domain.make(kind, wish, uid=uid, by=by, at=at)
    kept = await unit.of(kind).add(kept)
    unit.emit(event, subject=_subject(kept), about=kept)
    return kept


async def change_object(unit: Unit, before: Kept, wish: Wish, *, by: str) -> Kept:
    """Replace what one says."""
    kept, event = domain.change(before, wish, by=by)
    kept = await unit.of(type(before)).put(kept)
    unit.emit(event, subject=_subject(kept), about=kept)
    return kept


async def remove_object(unit: Unit, kept: Kept, *, by: str) -> None:
    """Remove one; what waits for a receiver that is gone is given up by whoever sends it."""
    await unit.of(type(kept)).drop(kept.name)
    unit.emit(domain.remove(kept, by=by), subject=_subject(kept), about=kept)


def _subject(kept: Kept) -> str:
    return f"{kept.NOUN.plural}/{kept.name}"
