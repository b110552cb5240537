"""Runs: asked for, begun, ended, stopped."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Conflict, Missing
from libs.shared.event import Event
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.commands import pipeline as pipelines
from services.devops.commands import project as projects
from services.devops.domain import run as domain
from services.devops.domain.pipeline import Tally
from services.devops.domain.resource import RUNS
from services.devops.domain.run import Cause, Result, Run, RunWish, State

MOST_WAITING = 200
"""Runs of a project that may wait their turn."""


async def queue_run(
    unit: Unit, project: str, pipeline: str, wish: RunWish, *, uid: str, at: datetime, cause: Cause
) -> Run:
    """Ask for a run: it is numbered, and waits its turn. Raises `Missing`, `Conflict` where too many wait."""
    home = await projects.find(unit, project)
    of = await pipelines.find(unit, project, pipeline)
    waiting = Find((Equal("project", project), Equal("state", State.QUEUED.value)))
    if await unit.of(Run).count(waiting) >= MOST_WAITING:
        text = f"{MOST_WAITING} runs of the project {project} wait their turn already"
        raise Conflict("too-many-runs", text, resource=RUNS.plural, name=pipeline)
    tally = await unit.of(Tally).look(of.path) or Tally(path=of.path, project=project)
    tally = await unit.of(Tally).put(tally.model_copy(update={"runs": tally.runs + 1}))
    made = domain.make(wish, of, workspace=home.workspace, number=tally.runs, uid=uid, at=at, cause=cause)
    kept = await unit.of(Run).add(made)
    return _told(unit, kept, domain.queued(kept))


async def start_run(unit: Unit, path: str, *, at: datetime) -> Run:
    """It runs. One that ran already goes on, which is told no second time. Raises `Missing`."""
    before = await live(unit, path)
    kept = await unit.of(Run).put(domain.start(before, at))
    return _told(unit, kept, domain.started(kept)) if before.state is State.QUEUED else kept


async def pause_run(unit: Unit, path: str, *, paused: bool) -> Run:
    """It waits for somebody's word, or no longer does. Raises `Missing`."""
    state = State.PAUSED if paused else State.RUNNING
    before = await live(unit, path)
    return before if before.state is state else await unit.of(Run).put(before.noted(state=state))


async def finish_run(unit: Unit, path: str, result: Result, reason: str, *, at: datetime) -> Run:
    """It has ended. Raises `Missing`."""
    kept = await unit.of(Run).put(domain.finish(await live(unit, path), result, reason, at))
    return _told(unit, kept, domain.ended(kept))


async def stop_run(unit: Unit, path: str, *, by: str, at: datetime) -> Run:
    """Ask for its end: one that waits its turn ends at once, one that runs is ended by whoever carries it on. One that
    has ended stays as it is. Raises `Missing`.
    """
    before = await found(unit, path)
    if before.finished or before.stopped_by:
        return before
    kept = domain.stop(before, by)
    if before.state is not State.QUEUED:
        return _told(unit, await unit.of(Run).put(kept), domain.stop_asked(kept, by))
    kept = await unit.of(Run).put(domain.finish(kept, Result.ABORTED, f"stopped by {by} before its turn came", at))
    _told(unit, kept, domain.stop_asked(kept, by))
    return _told(unit, kept, domain.ended(kept))


async def found(unit: Unit, path: str) -> Run:
    """The run. Raises `Missing`."""
    run = await unit.of(Run).look(path)
    if run is None:
        raise RUNS.missing(path.rpartition("/")[2])
    return run


async def live(unit: Unit, path: str) -> Run:
    """The run, which hasn't ended. Raises `Missing` for one that is gone, or has ended by another's hand."""
    run = await found(unit, path)
    if run.finished:
        raise Missing("run-over", f"the run {run.name} has ended", resource=RUNS.plural, name=run.name)
    return run


def _told(unit: Unit, run: Run, event: Event) -> Run:
    unit.emit(event, subject=domain.subject(run), workspace=run.workspace, about=run)
    return run
