"""Runs as PipelineRuns: asked for, listed, looked at (devops-apps-mesh 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from libs.shared.errors import Malformed, Missing
from libs.shared.http.listing import PARAMETERS, Filter, SortKey
from libs.shared.http.route import Route
from libs.shared.http.schemas import Listed
from services.devops.domain import pipeline as pipelines
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.resource import PIPELINES
from services.devops.domain.run import branch_of
from services.devops.parts import Parts
from services.devops.queries import pipeline as pipeline_queries
from services.devops.queries import project as projects
from services.devops.queries import run as queries
from services.devops.rest.looking import optional, start, view
from services.devops.rest.wording import V3, page, plain
from services.devops.shapes import node as nodes
from services.devops.shapes import run as shapes
from services.devops.shapes.node import NodeShape
from services.devops.shapes.run import ID, RunShape, StartShape


def _number(item: Mapping[str, Any]) -> int:
    return int(item["metadata"]["annotations"][ID])


FILTERS: Mapping[str, Filter] = {
    "branch": lambda item, value: ((item.get("spec") or {}).get("scm") or {}).get("refName", "") == value,
}
SORTS: Mapping[str, SortKey] = dict.fromkeys(("", "creationTimestamp", "createTime", "startTime"), _number)


async def list_runs(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The runs of a pipeline, newest first: as Blue Ocean shows them, or (`backward=false`) as objects."""
    pipeline = await _pipeline(request, parts)
    found, now = await queries.of_pipeline(parts.store, pipeline.path), parts.clock()
    shown = page(request, [shapes.typed_run(one, now) for one in found], FILTERS, SORTS)
    if request.query.get("backward", "true") == "false":
        return web.json_response(shown)
    by_name = {one.name: one for one in found}
    items = [shapes.history(by_name[item["metadata"]["name"]], now) for item in shown["items"]]
    return web.json_response({"items": items, "totalItems": shown["totalItems"]})


async def start_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Ask for a run, of a branch where the pipeline has many, with parameters."""
    pipeline = await _pipeline(request, parts)
    given, branch = shapes.given(await optional(request)), branch_of(request.query.get("branch", ""))
    if pipelines.kind_of(pipeline.spec) == pipelines.MANY_BRANCHES and not branch:
        raise Malformed("branch-missing", "missing branch name for running a multi-branch Pipeline")
    kept = await start(request, parts, pipeline, given, branch=branch)
    return web.json_response(shapes.run(kept, parts.clock()))


async def get_run(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One run."""
    project = await _project(request, parts)
    found = await queries.run(parts.store, project, request.match_info["run"])
    stages = nodes.listed(await view(found, request, parts, flag="approvable"), steps=True)
    return web.json_response(shapes.typed_run(found, parts.clock(), stages=stages))


async def list_nodes(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The stages of a run, each with its steps; `approvable` says whether the caller's word counts."""
    project = await _project(request, parts)
    found = await queries.run(parts.store, project, request.match_info["run"])
    return web.json_response(nodes.listed(await view(found, request, parts, flag="approvable"), steps=True))


async def download(request: web.Request, parts: Parts) -> web.StreamResponse:
    """A file that a run has kept: `filename` is its path."""
    project = await _project(request, parts)
    found = await queries.run(parts.store, project, request.match_info["run"])
    name = request.query.get("filename", "")
    path = parts.works.artifacts.path(found.uid, name)
    if path is None:
        raise Missing("artifact-missing", f"the run {found.name} keeps no file {name[:200]!r}", resource="artifacts")
    headers = {"Content-Disposition": f'attachment; filename="{path.name.encode("ascii", "replace").decode()}"'}
    headers["Content-Disposition"] = headers["Content-Disposition"].replace("\n", "_").replace("\r", "_")
    return web.FileResponse(path, headers={**headers, "Content-Type": "application/octet-stream"})


async def _project(request: web.Request, parts: Parts) -> str:
    return (await projects.project(parts.store, request.match_info["namespace"])).name


async def _pipeline(request: web.Request, parts: Parts) -> Pipeline:
    project, name = await _project(request, parts), request.match_info["pipeline"]
    return await pipeline_queries.pipeline(parts.store, project, name, who=PIPELINES.kind)


MANY = V3 + "/namespaces/{namespace}/pipelines/{pipeline}/pipelineruns"
ONE = V3 + "/namespaces/{namespace}/pipelineruns/{run}"
TAGS = ("pipelineruns",)
BRANCH = ("branch", "a branch, of a pipeline that has many")
ROUTES = (
    Route(
        "GET",
        MANY,
        plain(list_runs),
        tags=TAGS,
        answer=Listed[RunShape],
        parameters=(*PARAMETERS, BRANCH, ("backward", "false: as objects, not as Blue Ocean's runs")),
    ),
    Route("POST", MANY, plain(start_run), tags=TAGS, body=StartShape, answer=RunShape, parameters=(BRANCH,)),
    Route("GET", ONE, plain(get_run), tags=TAGS, answer=RunShape),
    Route("GET", ONE + "/nodedetails", plain(list_nodes), tags=TAGS, answer=list[NodeShape]),
    Route(
        "GET",
        ONE + "/artifacts/download",
        plain(download),
        tags=TAGS,
        streams=True,
        media="application/octet-stream",
        parameters=(("filename", "the file's path"),),
    ),
)
