"""What both APIs look at of a run: its pipeline, its Jenkinsfile, its stages; and how one is started."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from libs.shared.errors import Conflict, Malformed
from libs.shared.event import current_cause
from libs.shared.http.identity import caller
from libs.shared.http.reading import lenient, raw_body
from libs.shared.values import Secret
from services.devops.commands import run as commands
from services.devops.domain import pipeline as pipelines
from services.devops.domain.jenkinsfile.model import Parameter
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.run import Cause, Given, Run, RunWish, check_given
from services.devops.parts import Parts
from services.devops.queries import run as queries
from services.devops.shapes.node import View


async def optional(request: web.Request) -> Any:
    """The JSON of the body, or None without one. Raises `Malformed`."""
    return await lenient(request) if (await raw_body(request)).strip() else None


async def view(run: Run, request: web.Request, parts: Parts, *, flag: str = "aprovable") -> View:
    """A run as the caller sees it. Raises `Conflict` where there are no stages to be seen."""
    script = await asyncio.to_thread(pipelines.read, run.spec)
    if script is None:
        raise Conflict("no-stages", f"the run {run.name} follows no Jenkinsfile that is known here")
    nodes = await queries.nodes(parts.store, run.uid)
    return View(run, script, nodes, parts.clock(), caller(request).user, flag)


async def start(
    request: web.Request,
    parts: Parts,
    pipeline: Pipeline,
    given: tuple[tuple[str, str], ...],
    *,
    branch: str = "",
    replayed: int = 0,
) -> Run:
    """Ask for a run of the pipeline. Raises `Malformed` for what it can't be given, `Conflict` where none is run."""
    if parts.works.closed:
        raise Conflict("executor-closed", parts.works.closed)
    script = await asyncio.to_thread(pipelines.read, pipeline.spec)
    if script is None:
        text = f"the pipeline {pipeline.name} has no Jenkinsfile of its own, which is what is run here"
        raise Malformed("no-jenkinsfile", text)
    known = {one.name: one for one in (*pipelines.parameters(pipeline.spec), *script.parameters)}
    check_given(given, known)
    uid, cause = parts.ids(), current_cause()
    kept = await parts.store.transact(
        commands.queue_run,
        pipeline.project,
        pipeline.name,
        RunWish(tuple(_sealed(uid, name, value, known.get(name), parts) for name, value in given), branch, replayed),
        uid=uid,
        at=parts.clock(),
        cause=Cause(caller(request).user, cause.correlation, cause.causation, cause.traceparent),
    )
    parts.works.bell.ring()
    return kept


def _sealed(uid: str, name: str, value: str, known: Parameter | None, parts: Parts) -> Given:
    """A parameter as it is kept: a password is sealed, and bound to its run."""
    if known is None or known.kind != "password" or not value:
        return Given(name=name, value=value)
    return Given(name=name, sealed=parts.works.sealer.seal(Secret(value), f"pipelineruns/{uid}/{name}"))
