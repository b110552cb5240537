"""Apps and their versions (devops-apps-mesh 11.3, 11.4): searched, listed, shown."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from libs.shared.http.route import Route
from services.openpitrix.domain.app import App
from services.openpitrix.parts import Parts
from services.openpitrix.queries import app as queries
from services.openpitrix.rest.wording import IN_WORKSPACE, SEEN, V1, asked, listed, sight
from services.openpitrix.shapes import app as shapes
from services.openpitrix.shapes import listing
from services.openpitrix.shapes.listing import PARAMETERS, Asked


async def list_apps(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Apps, the oldest first: of the repository that `repo_id` names (`repo-helm` is the store), else uploaded ones."""
    how, who = asked(request), await sight(request)
    repo, workspace = how.conditions.get("repo_id", ""), request.match_info.get("workspace")
    if repo:
        found = await queries.apps_in_repo(parts.store, repo, who)
    elif workspace is not None:
        found = await queries.own_apps(parts.store, workspace)
    else:
        found = await queries.uploaded_apps(parts.store, who)
    kept = sorted(_meant(found, how), key=lambda one: (one.created_at, one.name, one.id), reverse=how.reverse)
    items, total = listing.page(kept, how)
    latest, categories = await queries.latest(parts.store, items), await queries.categories_of(parts.store, items)
    shown = [shapes.app(one, latest.get(one.latest), categories.get(one.category)) for one in items]
    return web.json_response(listing.answer(shown, total))


async def get_app(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One app, with the newest of its versions."""
    one = await queries.see_app(parts.store, request.match_info["app"], await sight(request))
    latest, categories = await queries.latest(parts.store, [one]), await queries.categories_of(parts.store, [one])
    return web.json_response(shapes.app(one, latest.get(one.latest), categories.get(one.category)))


async def list_versions(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Versions of an app by semantic version, the oldest first."""
    how = asked(request)
    found = await queries.versions_of(parts.store, request.match_info["app"], await sight(request))
    states = how.any_of("status")
    kept = [
        one
        for one in found
        if (states is None or one.state in states)
        and (how.keyword in one.chart.version.lower() or how.keyword in one.chart.app_version.lower())
    ]
    return listed(kept[::-1] if how.reverse else kept, how, shapes.version)


async def get_version(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One version."""
    names = request.match_info
    one = await queries.see_version(parts.store, names["app"], names["version"], await sight(request))
    return web.json_response(shapes.version(one))


def _meant(found: Iterable[App], how: Asked) -> Iterable[App]:
    """Those that the conditions mean."""
    states, names, category = how.any_of("status"), how.any_of("app_id"), how.conditions.get("category_id")
    return (
        one
        for one in found
        if how.keyword in one.name.lower()
        and (states is None or one.state in states)
        and (names is None or one.id in names)
        and (category is None or one.category == category)
    )


def _routes(at: str) -> tuple[Route, ...]:
    many, one, tags = at + "/apps", at + "/apps/{app}", ("apps",)
    versions = one + "/versions"
    return (
        Route("GET", many, list_apps, questions=SEEN, tags=tags, parameters=PARAMETERS),
        Route("GET", one, get_app, questions=SEEN, tags=tags),
        Route("GET", versions, list_versions, questions=SEEN, tags=tags, parameters=PARAMETERS),
        Route("GET", versions + "/{version}", get_version, questions=SEEN, tags=tags),
    )


ROUTES = (*_routes(V1), *_routes(IN_WORKSPACE))
