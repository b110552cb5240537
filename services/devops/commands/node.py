"""What becomes of a run's stages and steps, each in a unit of its own: what was noted is never done again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from libs.shared.errors import Conflict, Missing
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.commands import run as runs
from services.devops.domain import node as domain
from services.devops.domain import run as run_domain
from services.devops.domain.node import PROCEED, Node, StepState
from services.devops.domain.run import Result, Run, State


async def begin_node(unit: Unit, run: Run, identity: str, name: str, *, at: datetime) -> Node:
    """A stage begins. Raises `Missing` where its run is gone."""
    await runs.live(unit, run.path)
    path = domain.path_of(run.uid, identity)
    standing = await unit.of(Node).look(path)
    return standing or await unit.of(Node).put(
        Node(path=path, run=run.uid, project=run.project, id=identity, name=name, started_at=at)
    )


async def finish_node(unit: Unit, run: Run, identity: str, result: Result, reason: str, *, at: datetime) -> Node:
    """A stage has come to its end, or (one that never began) was passed over. Raises `Missing`."""
    await runs.live(unit, run.path)
    node = await _node(unit, run, identity)
    ended = {"state": State.FINISHED, "result": result, "reason": reason, "finished_at": at}
    kept = await unit.of(Node).put(node.model_copy(update=ended))
    unit.emit(domain.finished(run, kept), subject=run_domain.subject(run), workspace=run.workspace, about=kept)
    return kept


async def note_step(unit: Unit, run: Run, identity: str, step: StepState) -> Node:
    """How a step stands. The word that was given to an input stays. Raises `Missing`."""
    await runs.live(unit, run.path)
    node = await _node(unit, run, identity)
    standing = node.steps.get(step.id)
    if standing is not None and standing.asked is not None:
        step = step.model_copy(update={"asked": standing.asked})
    kept = await unit.of(Node).put(node.with_step(step))
    if standing is None and step.asked is not None:
        event = domain.awaited(run, kept, step, step.asked)
        unit.emit(event, subject=run_domain.subject(run), workspace=run.workspace, about=kept)
    return kept


async def try_again(unit: Unit, run: Run, identity: str, attempt: int, steps: Iterable[str]) -> Node:
    """A stage's steps, these of them, are as if they had never begun. Raises `Missing`."""
    await runs.live(unit, run.path)
    node = await _node(unit, run, identity)
    return await unit.of(Node).put(node.without_steps(steps).model_copy(update={"attempt": attempt}))


async def try_step_again(unit: Unit, run: Run, identity: str, step: StepState, steps: Iterable[str]) -> Node:
    """A block of `retry` begins anew, with what is in it as if it had never begun. Raises `Missing`."""
    await runs.live(unit, run.path)
    node = await _node(unit, run, identity)
    return await unit.of(Node).put(node.without_steps(steps).with_step(step))


async def try_stages_again(unit: Unit, run: Run, attempt: int, stages: Iterable[str]) -> Run:
    """These stages are as if they had never begun; `attempt` is the run's own where it is above 0. Raises `Missing`."""
    live = await runs.live(unit, run.path)
    for identity in stages:
        path = domain.path_of(run.uid, identity)
        if await unit.of(Node).look(path) is not None:
            await unit.of(Node).drop(path)
    return await unit.of(Run).put(live.noted(attempt=attempt)) if attempt else live


async def answer_input(unit: Unit, run: Run, identity: str, step: str, *, proceed: bool, by: str) -> StepState:
    """Give the word that a run waits for. Raises `Missing`, `Conflict` where it waits for none.

    Whether the caller's word counts is looked at before, since a refusal is no error of the original's wire.
    """
    await runs.live(unit, run.path)
    node = await _node(unit, run, identity)
    standing = node.steps.get(step)
    if standing is None or standing.asked is None or not standing.waits:
        raise Conflict("no-input", f"the step {step} of the run {run.name} waits for nobody's word")
    word = PROCEED if proceed else domain.ABORT
    asked = standing.asked.model_copy(update={"given": word, "by": by})
    answered = standing.model_copy(update={"asked": asked})
    kept = await unit.of(Node).put(node.with_step(answered))
    event = domain.given(run, answered, asked)
    unit.emit(event, subject=run_domain.subject(run), workspace=run.workspace, about=kept)
    return answered


async def drop_nodes(unit: Unit, run: str) -> None:
    """Forget all of a run's stages."""
    for node in await unit.of(Node).find(Find((Equal("run", run),))):
        await unit.of(Node).drop(node.path)


async def _node(unit: Unit, run: Run, identity: str) -> Node:
    node = await unit.of(Node).look(domain.path_of(run.uid, identity))
    if node is None:
        raise Missing("node-missing", f"the run {run.name} has no node {identity}", resource="nodes", name=identity)
    return node
