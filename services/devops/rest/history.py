"""Runs by their numbers, as Blue Ocean's API has them: stages, steps, logs, stop, approval (devops-apps-mesh 3)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from libs.shared.errors import Conflict, Malformed, Missing
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE
from libs.shared.http.route import Route
from libs.shared.objects.reading import Reading
from services.devops.commands import node as node_commands
from services.devops.commands import run as commands
from services.devops.domain.node import may_answer
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.run import Run, branch_of
from services.devops.parts import Parts
from services.devops.queries import pipeline as pipeline_queries
from services.devops.queries import project as projects
from services.devops.queries import run as queries
from services.devops.rest.looking import optional, start, view
from services.devops.rest.wording import V2, plain
from services.devops.shapes import node as nodes
from services.devops.shapes import run as shapes
from services.devops.shapes.node import NodeShape, StepShape
from services.devops.shapes.run import HistoryShape, StartShape

LONGEST_STOP: Final = 30.0
"""Seconds that a stop may wait for the run's end."""
TEXT: Final = "text/plain; charset=utf-8"
MOST: Final = 10_000


async def list_runs(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The runs of a pipeline, newest first, from `start` on."""
    pipeline = await _pipeline(request, parts)
    found = await queries.of_pipeline(parts.store, pipeline.path)
    if branch := branch_of(request.query.get("branch", "")):
        found = [one for one in found if one.branch == branch]
    begin, limit = _count(request, "start", 0), _count(request, "limit", MOST)
    items = [shapes.history(one, parts.clock()) for one in found[begin : begin + limit]]
    return web.json_response({"items": items, "totalItems": len(found)})


async def start_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Ask for a run with parameters."""
    pipeline = await _pipeline(request, parts)
    return _queued(await start(request, parts, pipeline, shapes.given(await optional(request))), parts)


async def replay_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Ask for a run once more, with its parameters; those that are passwords have their defaults."""
    pipeline, run = await _pipeline(request, parts), await _run(request, parts)
    given = tuple((one.name, one.value) for one in run.parameters if not one.sealed)
    return _queued(await start(request, parts, pipeline, given, branch=run.branch, replayed=run.number), parts)


async def get_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One run."""
    return web.json_response(shapes.history(await _run(request, parts), parts.clock()))


async def stop_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Ask for a run's end; `blocking=true` waits for it, `timeOutInSecs` long (10 unless given)."""
    run = await _run(request, parts)
    run = await parts.store.transact(commands.stop_run, run.path, by=caller(request).user, at=parts.clock())
    parts.works.bell.ring()
    if request.query.get("blocking") in GO_TRUE:
        left = min(float(_count(request, "timeOutInSecs", 10)), LONGEST_STOP)
        while not run.finished and left > 0:
            await parts.clock.sleep(0.1)
            left -= 0.1
            run = await parts.store.of(Run).look(run.path) or run
    return web.json_response(shapes.history(run, parts.clock()))


async def list_nodes(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The stages of a run."""
    return web.json_response(nodes.listed(await view(await _run(request, parts), request, parts), steps=False))


async def list_details(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The stages of a run, each with its steps."""
    return web.json_response(nodes.listed(await view(await _run(request, parts), request, parts), steps=True))


async def list_steps(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The steps of a stage; `aprovable` says whether the caller's word counts."""
    seen = await view(await _run(request, parts), request, parts)
    return web.json_response(nodes.stepped(request.match_info["node"], seen))


async def answer_input(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Let a run that waits go on, or (`abort`) end it. Whose word doesn't count is told so with status 200, as the
    original does.
    """
    body = Reading.of(await optional(request) or {})
    run, node, step = await _run(request, parts), request.match_info["node"], request.match_info["step"]
    standing = (await queries.nodes(parts.store, run.uid)).get(node)
    state = standing.steps.get(step) if standing else None
    if state is None:
        raise Missing("step-missing", f"the run {run.name} has no step {step[:40]} in {node[:40]}", resource="steps")
    if state.asked is None or not state.waits or run.finished:
        raise Conflict("no-input", f"the step {step} of the run {run.name} waits for nobody's word")
    user = caller(request).user
    if not may_answer(run, state.asked, user):
        text = f"{user} is none of those who may answer: {', '.join(state.asked.submitters)} or {run.owner}"
        return web.json_response({"allow": "false", "message": text})
    proceed = not body.flag("abort")
    await parts.store.transact(node_commands.answer_input, run, node, step, proceed=proceed, by=user)
    parts.works.bell.ring()
    return web.Response(text="", headers={"Content-Type": TEXT})


async def list_artifacts(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The files that a run has kept."""
    run = await _run(request, parts)
    begin, limit = _count(request, "start", 0), _count(request, "limit", MOST)
    base = f"/kapis/devops.kubesphere.io/v1alpha3/namespaces/{run.project}/pipelineruns/{run.name}/artifacts/download"
    found: list[dict[str, Any]] = [
        {
            "downloadable": True,
            "id": one.path,
            "name": one.path.rpartition("/")[2],
            "path": one.path,
            "size": one.size,
            "url": f"{base}?filename={one.path}",
        }
        for one in parts.works.artifacts.of(run.uid)
    ]
    return web.json_response(found[begin : begin + limit])


async def read_log(request: web.Request, parts: Parts) -> web.StreamResponse:
    """What a run has written, from `start` on; or its last `thresholdInKB`. `X-Text-Size` is the next `start`,
    `X-More-Data` says that there is more to come.
    """
    return await _log(request, await _run(request, parts), "", parts)


async def read_step_log(request: web.Request, parts: Parts) -> web.StreamResponse:
    """What a step has written, by the same rules."""
    run = await _run(request, parts)
    node = (await queries.nodes(parts.store, run.uid)).get(request.match_info["node"])
    step = node.steps.get(request.match_info["step"]) if node else None
    if step is None:
        raise Missing("step-missing", f"the run {run.name} has no such step", resource="steps")
    return await _log(request, run, step.id, parts, more=not (step.finished or run.finished))


async def _log(
    request: web.Request, run: Run, step: str, parts: Parts, *, more: bool | None = None
) -> web.StreamResponse:
    """The text as it is now: whoever says that no more comes says so of what he has read before he looked."""
    size = parts.works.logs.size(run.uid, step)
    begin = _count(request, "start", 0)
    if "start" not in request.query and (tail := _count(request, "thresholdInKB", 0)):
        begin = max(0, size - tail * 1024)
    headers = {"Content-Type": TEXT, "X-Text-Size": str(size)}
    if more if more is not None else not run.finished:
        headers["X-More-Data"] = "true"
    response = web.StreamResponse(headers=headers)
    response.content_length = max(0, size - begin)
    await response.prepare(request)
    async for part in parts.works.logs.read(run.uid, begin, size, step):
        await response.write(part)
    await response.write_eof()
    return response


def _count(request: web.Request, key: str, default: int) -> int:
    """A whole number of the query. Raises `Malformed`."""
    text = request.query.get(key, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004  # a petabyte of log
        raise Malformed("number", f"{key} should be a whole number, and is {text[:40]!r}")
    return int(text)


def _queued(run: Run, parts: Parts) -> web.Response:
    return web.json_response({**shapes.history(run, parts.clock()), "queueId": run.uid})


async def _pipeline(request: web.Request, parts: Parts) -> Pipeline:
    project = await projects.project(parts.store, request.match_info["devops"])
    return await pipeline_queries.pipeline(parts.store, project.name, request.match_info["pipeline"])


async def _run(request: web.Request, parts: Parts) -> Run:
    pipeline = await _pipeline(request, parts)
    return await queries.numbered(parts.store, pipeline.path, request.match_info["run"])


MANY = V2 + "/devops/{devops}/pipelines/{pipeline}/runs"
ONE = MANY + "/{run}"
STEPS = ONE + "/nodes/{node}/steps"
TAGS = ("runs",)
PAGE = (("start", "how many are passed over"), ("limit", "how many are shown"))
LOG = (("start", "the byte to begin at"), ("thresholdInKB", "without start: the last so many KiB"))
STOP = (("blocking", "true: wait for the end"), ("timeOutInSecs", "how long; 10 unless given"))
ROUTES = (
    Route("GET", MANY, plain(list_runs), tags=TAGS, parameters=PAGE),
    Route("POST", MANY, plain(start_run), tags=TAGS, body=StartShape, answer=HistoryShape),
    Route("GET", ONE, plain(get_run), tags=TAGS, answer=HistoryShape),
    Route("POST", ONE + "/stop", plain(stop_run), tags=TAGS, answer=HistoryShape, parameters=STOP),
    Route("POST", ONE + "/replay", plain(replay_run), tags=TAGS, answer=HistoryShape),
    Route("GET", ONE + "/artifacts", plain(list_artifacts), tags=TAGS, parameters=PAGE),
    Route("GET", ONE + "/log", plain(read_log), tags=TAGS, media="text/plain", streams=True, parameters=LOG),
    Route("GET", ONE + "/nodes", plain(list_nodes), tags=TAGS, answer=list[NodeShape]),
    Route("GET", ONE + "/nodesdetail", plain(list_details), tags=TAGS, answer=list[NodeShape]),
    Route("GET", STEPS, plain(list_steps), tags=TAGS, answer=list[StepShape]),
    Route("POST", STEPS + "/{step}", plain(answer_input), tags=TAGS),
    Route(
        "GET",
        STEPS + "/{step}/log",
        plain(read_step_log),
        tags=TAGS,
        media="text/plain",
        streams=True,
        parameters=LOG,
    ),
)
