"""Noting what was observed, and telling where it differs from what was noted."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import Unit
from services.cluster.domain import resource
from services.cluster.domain.fact import Fact, Observed, fact_name, gone, noted, subject
from services.cluster.domain.shelf import Key


async def note_facts(unit: Unit, seen: Sequence[Observed]) -> int:
    """Note and tell what is new, other or gone since it was told; how much was. What was observed before what is noted
    changes nothing.
    """
    told = 0
    for one in seen:
        standing = await unit.of(Fact).look(fact_name(one.key))
        if one.event is None:
            told += await _forget(unit, one.key, standing)
        elif standing is None or one.revision >= standing.revision:
            told += await _note(unit, one, standing)
    return told


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
