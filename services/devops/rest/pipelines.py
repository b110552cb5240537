"""Pipelines of a project, and their Jenkinsfiles (devops-apps-mesh 2.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from libs.shared.errors import Malformed
from libs.shared.http.identity import caller
from libs.shared.http.listing import PARAMETERS, Filter
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import MIB, Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.reading import Reading
from services.devops.commands import pipeline as commands
from services.devops.domain import pipeline as domain
from services.devops.domain.jenkinsfile import wire as models
from services.devops.domain.jenkinsfile.parser import parse
from services.devops.domain.pipeline import PipelineWish
from services.devops.domain.project import Project
from services.devops.parts import Parts
from services.devops.queries import pipeline as queries
from services.devops.queries import project as projects
from services.devops.rest.wording import SUCCESS, V3, listed, plain
from services.devops.shapes import pipeline as shapes
from services.devops.shapes.pipeline import PipelineShape, ScriptShape

FILTERS: Mapping[str, Filter] = {"type": lambda item, value: (item.get("spec") or {}).get("type") == value}


async def list_pipelines(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The pipelines of the project; `type` narrows them to pipeline or multi-branch-pipeline."""
    project = await _project(request, parts)
    found = await queries.pipelines(parts.store, project.name)
    return listed(request, [_untold(shapes.typed_pipeline(one)) for one in found], FILTERS)


async def create_pipeline(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a pipeline. A Jenkinsfile that isn't understood is refused by line, column and construct."""
    wish, project = shapes.pipeline_wish(await lenient_object(request)), await _project(request, parts)
    await check(wish)
    kept = await parts.store.transact(
        commands.create_pipeline, project.name, wish, uid=parts.ids(), by=caller(request).user, at=parts.clock()
    )
    return web.json_response(shapes.pipeline(kept))


async def get_pipeline(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One pipeline."""
    project = await _project(request, parts)
    found = await queries.pipeline(parts.store, project.name, request.match_info["pipeline"])
    return web.json_response(shapes.pipeline(found))


async def change_pipeline(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace a pipeline whatever version was read; its Jenkinsfile stays, which has a route of its own."""
    wish = shapes.pipeline_wish(await lenient_object(request), request.match_info["pipeline"])
    project = await _project(request, parts)
    kept = await parts.store.transact(
        commands.change_pipeline, project.name, wish, by=caller(request).user, where=project.namespace
    )
    return web.json_response(shapes.pipeline(kept))


async def change_script(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give a pipeline another Jenkinsfile: `mode=raw` takes its text, `mode=json` its model. One that isn't understood
    is refused by line, column and construct, and the old one stays.
    """
    mode, name = request.query.get("mode", ""), request.match_info["pipeline"]
    data = Reading.of(await lenient_object(request)).text("data")
    project = await _project(request, parts)
    found = await queries.pipeline(parts.store, project.name, name)
    if mode not in ("raw", "json"):
        raise Malformed("edit-mode", f"invalid edit mode: {mode[:40]}")
    if domain.kind_of(found.spec) != domain.SIMPLE:
        raise Malformed("no-jenkinsfile", f"the pipeline {name} takes its Jenkinsfile from its repository")
    text, model = await asyncio.to_thread(_read, mode, data)
    await parts.store.transact(commands.rewrite_pipeline, project.name, name, text, model, by=caller(request).user)
    return web.json_response({"result": "success"})


async def delete_pipeline(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a pipeline with its runs."""
    project = await _project(request, parts)
    await parts.store.transact(
        commands.delete_pipeline, project.name, request.match_info["pipeline"], by=caller(request).user
    )
    parts.works.broom.ring()
    return web.json_response(SUCCESS)


async def check(wish: PipelineWish) -> None:
    """Raise `Invalid` for a Jenkinsfile that isn't understood."""
    await asyncio.to_thread(domain.read, wish.spec)


def _read(mode: str, data: str) -> tuple[str, str]:
    """Text and model of what was sent. Raises `Invalid`."""
    text = models.written(data) if mode == "json" else data
    return text, models.shown(parse(text))


def _untold(item: dict[str, Any]) -> dict[str, Any]:
    """As lists show it: without a status, which says nothing."""
    return {key: value for key, value in item.items() if key != "status"}


async def _project(request: web.Request, parts: Parts) -> Project:
    return await projects.project(parts.store, request.match_info["devops"])


MANY = V3 + "/devops/{devops}/pipelines"
ONE = MANY + "/{pipeline}"
TAGS = ("pipelines",)
MODE = (("mode", "raw: a Jenkinsfile; json: its model as JSON text"),)
ROUTES = (
    Route(
        "GET",
        MANY,
        plain(list_pipelines),
        tags=TAGS,
        answer=Listed[PipelineShape],
        parameters=(*PARAMETERS, ("type", "pipeline or multi-branch-pipeline")),
    ),
    Route("POST", MANY, plain(create_pipeline), tags=TAGS, body=PipelineShape, answer=PipelineShape),
    Route("GET", ONE, plain(get_pipeline), tags=TAGS, answer=PipelineShape),
    Route("PUT", ONE, plain(change_pipeline), tags=TAGS, body=PipelineShape, answer=PipelineShape),
    Route("DELETE", ONE, plain(delete_pipeline), tags=TAGS, answer=Done),
    Route(
        "PUT",
        ONE + "/jenkinsfile",
        plain(change_script),
        tags=TAGS,
        max_body=2 * MIB,
        body=ScriptShape,
        parameters=MODE,
    ),
)
