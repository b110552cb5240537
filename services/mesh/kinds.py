"""Strategy and ServicePolicy through `/apis/servicemesh.kubesphere.io/v1alpha2`."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from services.mesh.commands import governing as commands
from services.mesh.domain.governing import GROUP, Governing, ServicePolicy, Strategy
from services.mesh.shapes import governing as shapes

G = TypeVar("G", bound=Governing)


async def change(unit: Unit, before: G, wish: JsonObject, ask: Ask) -> G:
    """Change one."""
    return await commands.change(unit, before, shapes.wish(wish), by=ask.user)


async def remove(unit: Unit, before: G, ask: Ask) -> None:
    """Remove one."""
    await commands.remove(unit, before, by=ask.user)


def kind_of(document: type[G], model: type[BaseModel], short: str) -> Kind[G]:
    """The kind of these documents."""

    async def create(unit: Unit, wish: JsonObject, ask: Ask) -> G:
        return await commands.create(unit, document, shapes.wish(wish), uid=unit.id, by=ask.user, at=ask.at)

    return Kind(
        group=GROUP,
        version="v1alpha2",
        kind=document.__name__,
        plural=document.PLURAL,
        singular=document.WORD,
        short_names=(short,),
        namespaced=True,
        document=document,
        show=shapes.shown,
        model=model,
        create=create,
        update=change,
        remove=remove,
    )


KINDS = (kind_of(Strategy, shapes.StrategyShape, "strgy"), kind_of(ServicePolicy, shapes.PolicyShape, "svcpolicy"))
