"""Removing what belonged to projects, pipelines and runs that are gone: a bounded number in a unit."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import Document, Equal, Find, Unit
from services.devops.commands import node as nodes
from services.devops.domain.credential import Credential
from services.devops.domain.node import Node
from services.devops.domain.pipeline import Pipeline, Tally
from services.devops.domain.remnant import Remnant
from services.devops.domain.run import Run

BATCH = 50
"""Things removed in a unit."""
OF_PROJECT: tuple[type[Credential | Pipeline | Tally | Run | Node], ...] = (Credential, Pipeline, Tally, Run, Node)
"""What goes with a project besides its roles and bindings."""


async def sweep_remnant(unit: Unit, path: str) -> bool:
    """Remove some of what is left; whether anything still is."""
    remnant = await unit.of(Remnant).look(path)
    if remnant is None:
        return False
    kinds: Sequence[type[Document]] = (Run,) if remnant.pipeline else OF_PROJECT
    clause = Equal("home", remnant.path) if remnant.pipeline else Equal("project", remnant.project)
    for kind in kinds:
        left = await unit.of(kind).find(Find((clause,), limit=BATCH))
        for one in left:
            await _drop(unit, one)
        if left:
            return True
    await unit.of(Remnant).drop(path)
    return False


async def drop_run(unit: Unit, path: str) -> None:
    """Remove a run that has ended, with its stages; one that is gone is passed over."""
    run = await unit.of(Run).look(path)
    if run is not None and run.finished:
        await _drop(unit, run)


async def _drop(unit: Unit, one: Document) -> None:
    await unit.of(type(one)).drop(one.key)
    if isinstance(one, Run):
        await nodes.drop_nodes(unit, one.uid)
