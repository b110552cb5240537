"""Noting what was observed, and telling where it differs from what was noted."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import Unit
from services.cluster.domain import resource
from services.cluster.domain.fact import Fact, Observed, fact_name, gone, noted, subject
from services.cluster.domain.shelf import Key


async def note_facts(unit: Unit, seen: Sequence[Observed], *, sure: bool = False) -> list[Key]:
    """Note and tell what is new, other or gone since it was told; of what, an event each, in order. What was observed
    before what is noted changes nothing, unless we are `sure`: a cluster that was restored counts from behind.
    """
    return [one.key for one in seen if await _noted(unit, one, sure=sure)]


async def _noted(unit: Unit, one: Observed, *, sure: bool) -> bool:
    standing = await unit.of(Fact).look(fact_name(one.key))
    if one.event is None:
        return await _forget(unit, one.key, standing)
    if standing is not None and one.older(standing) and not sure:
        return False
    return await _note(unit, one, standing)


async def _note(unit: Unit, one: Observed, standing: Fact | None) -> bool:
    fact = noted(one, await _workspace(unit, one))
    if standing is not None and (standing.event, standing.data) == (fact.event, fact.data):
        return False
    kept = await unit.of(Fact).put(fact)
    unit.emit(kept.present(), subject=subject(one.key), workspace=kept.workspace, about=kept)
    return True


async def _forget(unit: Unit, key: Key, standing: Fact | None) -> bool:
    if standing is None:
        return False
    await unit.of(Fact).drop(standing.name)
    unit.emit(gone(standing), subject=subject(key), workspace=standing.workspace, about=standing)
    return True


async def _workspace(unit: Unit, one: Observed) -> str:
    """Of the project itself, or of the one that a role or binding stands in."""
    if one.key.plural == resource.NAMESPACES.plural:
        return str(getattr(one.event, "workspace", ""))
    if not one.key.namespace:
        return ""
    project = await unit.of(Fact).look(fact_name(Key(resource.NAMESPACES.plural, "", one.key.namespace)))
    return project.workspace if project is not None else ""
