"""Config, Receiver, Router, Silence and NotificationManager through `/apis/notification.kubesphere.io/v2beta2`, for
platform administrators: their labels say whose an object is.
"""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.sealing import Sealer
from libs.shared.store.protocol import Unit
from services.notification.commands import object as commands
from services.notification.domain.noun import GROUP, TYPE
from services.notification.domain.object import OBJECTS, Kept
from services.notification.parts import Parts
from services.notification.shapes import object as shapes


async def prepare(wish: JsonObject, parts: Parts) -> Sealer:  # noqa: ARG001  # a kind's signature
    """What seals credentials."""
    return parts.outlets.sealer


@dataclass(frozen=True, slots=True)
class Writing:
    """The commands behind the writes of one kind."""

    kind: type[Kept]

    async def create(self, unit: Unit, wish: JsonObject, ask: Ask) -> Kept:
        """Make one; the platform's own, unless its labels say otherwise."""
        labels = (wish.get("metadata") or {}).get("labels") or {}
        owner = None if labels.get(TYPE) else ""
        wanted = shapes.wish(wish, self.kind, owner, None, ask.prepared)
        return await commands.create_object(unit, self.kind, wanted, uid=unit.id, by=ask.user, at=ask.at)

    async def update(self, unit: Unit, before: Kept, wish: JsonObject, ask: Ask) -> Kept:
        """Change one. Raises `Stale` where another write made this one a change at all."""
        if ask.prepared is None:
            raise self.kind.NOUN.stale(before.name)
        wanted = shapes.wish(wish, self.kind, None, before, ask.prepared)
        return await commands.change_object(unit, before, wanted, by=ask.user)

    async def remove(self, unit: Unit, before: Kept, ask: Ask) -> None:
        """Remove one."""
        await commands.remove_object(unit, before, by=ask.user)


def kind_of(kind: type[Kept]) -> Kind[Kept]:
    """The kind of these objects."""
    writing = Writing(kind)
    return Kind(
        group=GROUP,
        version=shapes.VERSION,
        kind=kind.NOUN.kind,
        plural=kind.NOUN.plural,
        singular=kind.NOUN.singular,
        document=kind,
        show=shapes.typed,
        model=shapes.SettingShape,
        prepare=prepare,
        create=writing.create,
        update=writing.update,
        remove=writing.remove,
    )


KINDS = tuple(kind_of(kind) for kind in OBJECTS.values() if not kind.NOUN.core)
