"""Making, changing and removing strategies and service policies."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from libs.shared.store.protocol import Equal, Find, Unit
from services.mesh.domain import governing as domain
from services.mesh.domain.governing import Governing, ServicePolicy, Strategy, Wish
from services.mesh.domain.space import Space

G = TypeVar("G", bound=Governing)
ITSELF = "system:mesh"
"""Who removes what belonged to something that is gone."""


async def create(unit: Unit, kind: type[G], wish: Wish, *, uid: str, by: str, at: datetime) -> G:
    """Make one; raises `Invalid`, and `Exists` from the store."""
    made = await unit.of(kind).add(kind.made(wish, uid=uid, at=at))
    unit.emit(
        domain.created(made, by),
        subject=domain.subject(made),
        workspace=await workspace(unit, made.namespace),
        about=made,
    )
    return made


async def change(unit: Unit, before: G, wish: Wish, *, by: str) -> G:
    """Change one; raises `Invalid`."""
    made = await unit.of(type(before)).put(before.changed(wish))
    unit.emit(
        domain.changed(made, by),
        subject=domain.subject(made),
        workspace=await workspace(unit, made.namespace),
        about=made,
    )
    return made


async def remove(unit: Unit, before: Governing, *, by: str) -> None:
    """Remove one."""
    await unit.of(type(before)).drop(before.key)
    space = await workspace(unit, before.namespace)
    unit.emit(domain.deleted(before, by), subject=domain.subject(before), workspace=space, about=before)


async def remove_all(unit: Unit, namespace: str) -> None:
    """Remove everything that is wanted of a namespace that is gone."""
    for kind in (Strategy, ServicePolicy):
        for found in await unit.of(kind).find(Find((Equal("namespace", namespace),))):
            await remove(unit, found, by=ITSELF)


async def note_space(unit: Unit, name: str, uid: str, workspace: str) -> None:
    """A namespace belongs to this workspace, or (empty) to none."""
    known = await unit.of(Space).look(name)
    if not workspace:
        if known is not None:
            await unit.of(Space).drop(name)
        return
    space = Space(name=name, uid=uid, workspace=workspace)
    if known is None:
        await unit.of(Space).add(space)
    elif (known.uid, known.workspace) != (uid, workspace):
        await unit.of(Space).put(known.model_copy(update={"uid": uid, "workspace": workspace}).stamped(known.stamp))


async def forget_space(unit: Unit, name: str, uid: str) -> None:
    """A namespace is gone; one of the same name that came after it stays."""
    known = await unit.of(Space).look(name)
    if known is not None and known.uid == uid:
        await unit.of(Space).drop(name)
        await remove_all(unit, name)


async def workspace(unit: Unit, namespace: str) -> str:
    """The workspace of a namespace, or nothing."""
    space = await unit.of(Space).look(namespace)
    return space.workspace if space else ""
