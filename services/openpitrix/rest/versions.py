"""Versions of uploaded apps: added, changed, reviewed, released to the store; their packages and files (11.4)."""

from __future__ import annotations

import base64
from typing import Final

from aiohttp import web

from libs.shared.errors import Denied, Malformed, Missing
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import May, Route
from libs.shared.http.schemas import Done
from services.openpitrix.commands import version as commands
from services.openpitrix.domain import version as versions
from services.openpitrix.domain.chart import Chart
from services.openpitrix.domain.naming import identity, missing
from services.openpitrix.domain.version import JUDGED, Version
from services.openpitrix.parts import Parts
from services.openpitrix.queries import app as queries
from services.openpitrix.rest.templates import LARGEST, own_app, validated
from services.openpitrix.rest.wording import (
    ALL,
    GROUP,
    IN_WORKSPACE,
    SEEN,
    SUCCESS,
    V1,
    asked,
    listed,
    optional_object,
    sight,
)
from services.openpitrix.shapes import app as app_shapes
from services.openpitrix.shapes import template as shapes
from services.openpitrix.shapes.listing import PARAMETERS
from services.openpitrix.shapes.repo import checked
from services.openpitrix.shapes.template import ActionShape, VersionShape

JUDGES: Final = May("store.judges", "create", "reviews", GROUP, "Cluster")
"""Whether the caller reviews for the platform: nobody else passes or rejects, his own least of all."""


async def create_version(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Add a version as a draft; all that it says of itself stands in its package."""
    read: VersionShape = checked(VersionShape, await optional_object(request))
    if request.query.get("validate") in GO_TRUE:
        return await validated(read.package, "package", parts)
    if not read.package:
        raise Malformed("package", "EOF")
    app, at = await own_app(request, parts), parts.clock()
    name, content = identity("appv", parts.desk.ids()), shapes.decoded(read.package, "package")
    chart = await parts.desk.packages.inspected(content)
    made = versions.draft(app.id, chart, identity=name, workspace=app.workspace, by=caller(request).user, at=at)
    kept = await _packed(made, content, parts)
    await parts.store.transact(commands.add_version, kept, most=parts.settings.versions, at=at)
    await parts.desk.blobs.put(content)  # a removal of the same content may have come between
    return web.json_response({"version_id": name})


async def change_version(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Another package of the same chart while it is a draft, or another name or description."""
    before, read = await own_version(request, parts), checked(VersionShape, await lenient_object(request))
    at = parts.clock()
    if read.package:
        content = shapes.decoded(read.package, "package")
        chart = await parts.desk.packages.inspected(content)
        fresh = await _packed(before.model_copy(update=_said(before, chart)), content, parts)
        await parts.store.transact(commands.repack_version, before.id, fresh, at=at)
        await parts.desk.blobs.put(content)
    elif read.name or read.description is not None:
        await parts.store.transact(
            commands.describe_version, before.id, title=read.name or "", description=read.description, at=at
        )
    return web.json_response(SUCCESS)


async def delete_version(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Forget a version that isn't active. One that isn't there is passed over."""
    try:
        version = await own_version(request, parts)
    except Missing:
        return web.json_response(SUCCESS)
    await parts.store.transact(commands.delete_version, version.id, by=caller(request).user, at=parts.clock())
    return web.json_response(SUCCESS)


async def act_on_version(request: web.Request, parts: Parts) -> web.StreamResponse:
    """`submit`, `cancel`, `pass`, `reject`, `release`, `suspend` or `recover`. Judging is the platform's alone."""
    version, read = await own_version(request, parts), checked(ActionShape, await lenient_object(request))
    action, by = read.action or "", caller(request).user
    if action in JUDGED and await answer(request, JUDGES.name) is not True:
        raise Denied("store-judges", f'User "{by}" may not {action} versions: who reviews for the platform may')
    message, at = read.message or "", parts.clock()
    await parts.store.transact(commands.act_on_version, version.id, action, message, by=by, at=at)
    return web.json_response(SUCCESS)


async def list_audits(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Steps of a version on its way, the newest first."""
    how, one = asked(request), await own_version(request, parts)
    return listed(one.audits, how, lambda step: app_shapes.audit(one, step))


async def list_app_audits(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Steps of all the versions of an app, the newest first."""
    how, app = asked(request), await own_app(request, parts)
    found = await queries.versions_of(parts.store, app.id, await sight(request))
    steps = [(one, step) for one in found for step in one.audits]
    steps.sort(key=lambda pair: pair[1].at, reverse=True)
    return listed(steps, how, lambda pair: app_shapes.audit(*pair))


async def list_reviews(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Versions of all workspaces by their last step, for who reviews them; the oldest first."""
    how = asked(request)
    return listed(await queries.reviews(parts.store, how.any_of("status"), how.keyword), how, _review)


async def get_files(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The files of a version in base64, README and values among them, by their paths within the chart."""
    one = await seen_version(request, parts)
    files = await parts.desk.packages.files(one)
    shown = {path: base64.b64encode(content).decode() for path, content in files.items()}
    return web.json_response({"version_id": one.id, "files": shown})


async def get_package(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The archive of a version in base64, whatever it is."""
    one = await seen_version(request, parts)
    content = base64.b64encode(await parts.desk.packages.of(one)).decode()
    return web.json_response({"version_id": one.id, "app_id": one.app, "package": content})


async def seen_version(request: web.Request, parts: Parts) -> Version:
    """The version of the path, as far as the caller sees it; raises `Missing`."""
    names = request.match_info
    return await queries.see_version(parts.store, names["app"], names["version"], await sight(request))


async def own_version(request: web.Request, parts: Parts) -> Version:
    """The version of the path, by whoever may change it; raises `Missing`, for another app's as well."""
    name = request.match_info["version"]
    found = await parts.store.of(Version).look(name)
    try:
        app = await own_app(request, parts)
    except Missing:
        raise missing("helmapplicationversion", name) from None
    if found is None or found.app != app.id:
        raise missing("helmapplicationversion", name)
    return found


async def _packed(version: Version, content: bytes, parts: Parts) -> Version:
    return version.model_copy(update={"digest": await parts.desk.blobs.put(content), "size": len(content)})


def _said(version: Version, chart: Chart) -> dict[str, object]:
    return {"chart": chart, "called": f"{version.app}/{chart.version}"}


def _review(pair: tuple[Version, str]) -> dict[str, object]:
    return app_shapes.review(*pair)


def _routes(at: str) -> tuple[Route, ...]:
    many, tags = at + "/apps/{app}/versions", ("apps",)
    one, validate = many + "/{version}", (("validate", "true: only look at the package"),)
    judged = (*SEEN, JUDGES)
    return (
        Route(
            "POST",
            many,
            create_version,
            questions=SEEN,
            tags=tags,
            body=VersionShape,
            max_body=LARGEST,
            parameters=validate,
        ),
        Route(
            "PATCH", one, change_version, questions=SEEN, tags=tags, body=VersionShape, answer=Done, max_body=LARGEST
        ),
        Route("DELETE", one, delete_version, questions=SEEN, tags=tags, answer=Done),
        Route("POST", one + "/action", act_on_version, questions=judged, tags=tags, body=ActionShape, answer=Done),
        Route("GET", one + "/audits", list_audits, questions=SEEN, tags=tags, parameters=PARAMETERS),
        Route("GET", one + "/files", get_files, questions=SEEN, tags=tags),
        Route("GET", one + "/package", get_package, questions=SEEN, tags=tags),
    )


ROUTES = (
    *_routes(V1),
    *_routes(IN_WORKSPACE),
    Route("GET", V1 + "/apps/{app}/audits", list_app_audits, questions=SEEN, tags=("apps",), parameters=PARAMETERS),
    Route("GET", V1 + "/reviews", list_reviews, questions=(ALL,), tags=("reviews",), parameters=PARAMETERS),
)
