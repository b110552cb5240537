"""Releases of a project (devops-apps-mesh 11.5): asked for, watched, upgraded, described, removed. By either path: the
one with a cluster in it asks the gateway besides, as its roles know no namespace there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from aiohttp import web

from libs.shared.errors import Denied, Missing
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import MIB, Access, May, Route
from libs.shared.http.schemas import Done
from services.openpitrix.commands import release as commands
from services.openpitrix.domain.naming import STORE_SUFFIX, identity, plain_app
from services.openpitrix.domain.release import CLUSTER, Place, Release, check_values
from services.openpitrix.domain.sight import Sight
from services.openpitrix.domain.version import SHOWN, Version
from services.openpitrix.parts import Parts
from services.openpitrix.queries import app as apps
from services.openpitrix.queries import release as queries
from services.openpitrix.rest.wording import GROUP, IN_WORKSPACE, SUCCESS, V1, asked, listed
from services.openpitrix.shapes import release as shapes
from services.openpitrix.shapes.listing import PARAMETERS, Asked
from services.openpitrix.shapes.release import ReleaseShape

MAY: Final = "store.releases"
TAGS: Final = ("applications",)
PLACED: Final[Mapping[str, str]] = {"scope": "Namespace", "workspace": "{workspace}", "namespace": "{namespace}"}


async def create_release(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Ask for a release; its id and what becomes of it are found by its name in the list. Values are YAML text."""
    await _require_allowed(request)
    place = _place(request)
    wish, app, name = shapes.wish(await lenient_object(request))
    check_values(wish.values, parts.settings.values_bytes)
    version = await _version(app, name, place, parts)
    await _require_home(place, parts)
    await parts.store.transact(
        commands.request_release,
        wish,
        version,
        place,
        identity=identity("rls", parts.desk.ids()),
        by=caller(request).user,
        most=parts.settings.releases,
        at=parts.clock(),
    )
    parts.desk.bells.releases.ring()
    return web.json_response(SUCCESS)


async def list_releases(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Releases, the one deployed last first; the condition `ascending=true` turns it."""
    await _require_allowed(request)
    how, names = asked(request), request.match_info
    found: Sequence[Release] = ()
    if names.get("cluster", CLUSTER) == CLUSTER:
        found = await queries.releases_of(parts.store, names.get("workspace", ""), names.get("namespace", ""))
    kept = sorted(await _meant(found, how, parts), key=lambda one: (one.deployed_at or one.created_at, one.id))
    up = how.conditions.get("ascending") in GO_TRUE
    return listed(kept if up else kept[::-1], how, shapes.shown)


async def get_release(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One release, with what it has made as that stands in the cluster."""
    release = await _release(request, parts)
    objects = await parts.site.objects.live(release.objects, release.namespace)
    return web.json_response(shapes.with_objects(release, objects))


async def upgrade_release(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Have another version, or other values; empty values keep those that stand."""
    release = await _release(request, parts)
    wish, app, name = shapes.wish(await lenient_object(request))
    check_values(wish.values, parts.settings.values_bytes)
    place = _place(request)
    version = await _version(app or release.app, name, place, parts)
    by, at = caller(request).user, parts.clock()
    await parts.store.transact(commands.upgrade_release, release.id, version, wish.values, place, by=by, at=at)
    parts.desk.bells.releases.ring()
    return web.json_response(SUCCESS)


async def describe_release(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change the description; an empty one changes nothing."""
    release = await _release(request, parts)
    text = shapes.description(await lenient_object(request))
    if text:
        await parts.store.transact(commands.describe_release, release.id, text, _place(request))
    return web.json_response(SUCCESS)


async def delete_release(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Have it taken out of the cluster with everything that it made. One that isn't there is passed over."""
    await _require_allowed(request)
    name, by, at = request.match_info["application"], caller(request).user, parts.clock()
    await parts.store.transact(commands.remove_release, name, _place(request), by=by, at=at)
    parts.desk.bells.releases.ring()
    return web.json_response(SUCCESS)


async def _require_allowed(request: web.Request) -> None:
    """Where the path names a cluster, raise `Denied` unless the caller may do this in the project itself."""
    if "cluster" in request.match_info and "namespace" in request.match_info:
        if await answer(request, MAY) is not True:
            user, where = caller(request).user, request.match_info["namespace"]
            raise Denied("release-rights", f'User "{user}" may not do this to applications in the namespace "{where}"')
        if request.match_info["cluster"] != CLUSTER and request.method != "GET":
            raise Missing(
                "cluster-missing", f"there is no cluster {request.match_info['cluster'][:80]}: {CLUSTER} is the one"
            )


async def _require_home(place: Place, parts: Parts) -> None:
    """Raise `Missing` unless the namespace belongs to the workspace of the path."""
    if await parts.site.objects.workspace_of(place.namespace) != place.workspace:
        raise Missing("project-missing", f"there is no project {place.namespace} in the workspace {place.workspace}")


async def _version(app: str, name: str, place: Place, parts: Parts) -> Version:
    """The version that a workspace may release: its own, one of a repository that it sees, or one of the store."""
    sight = Sight(frozenset({place.workspace}))
    found = await parts.store.of(Version).look(name)
    return await apps.see_version(parts.store, app or (found.app if found else ""), name, sight)


async def _release(request: web.Request, parts: Parts) -> Release:
    await _require_allowed(request)
    place = _place(request)
    return await queries.get_release(parts.store, request.match_info["application"], place.workspace, place.namespace)


def _place(request: web.Request) -> Place:
    return Place(request.match_info["workspace"], request.match_info["namespace"])


async def _meant(found: Iterable[Release], how: Asked, parts: Parts) -> list[Release]:
    """Those that the conditions mean; of a store's app those whose version is in the store."""
    states, app = how.any_of("status"), how.conditions.get("app_id", "")
    version, repo = how.conditions.get("version_id"), how.conditions.get("repo_id")
    kept = [
        one
        for one in found
        if (how.keyword in one.name.lower())
        and (states is None or one.state in states)
        and (not app or one.app == plain_app(app))
        and (version is None or one.version == version)
        and (repo is None or one.repo == repo)
    ]
    if not app.endswith(STORE_SUFFIX):
        return kept
    versions = {v.id for v in await apps.versions_of(parts.store, app, Sight(everything=True)) if v.state in SHOWN}
    return [one for one in kept if one.version in versions]


def _access(verb: str, *, by_cluster: bool) -> dict[str, Any]:
    """Who passes the gateway: whom it lets by the path, or whoever may do this in the project that the path names."""
    if not by_cluster:
        return {}
    return {"access": Access.SIGNED_IN, "questions": (May(MAY, verb, "applications", GROUP, **PLACED),)}


def _routes(at: str, *, by_cluster: bool) -> tuple[Route, ...]:
    many, one = at + "/applications", at + "/applications/{application}"
    who = partial(_access, by_cluster=by_cluster)
    asked_for: dict[str, Any] = {"tags": TAGS, "body": ReleaseShape, "answer": Done, "max_body": 2 * MIB}
    return (
        Route("GET", many, list_releases, tags=TAGS, parameters=PARAMETERS, **who("list")),
        Route("POST", many, create_release, **asked_for, **who("create")),
        Route("GET", one, get_release, tags=TAGS, **who("get")),
        Route("POST", one, upgrade_release, **asked_for, **who("create")),
        Route("PATCH", one, describe_release, tags=TAGS, body=ReleaseShape, answer=Done, **who("patch")),
        Route("DELETE", one, delete_release, tags=TAGS, answer=Done, **who("delete")),
    )


def _lists() -> tuple[Route, ...]:
    """Lists of more than one project."""
    paths = (V1, V1 + "/clusters/{cluster}", IN_WORKSPACE, IN_WORKSPACE + "/clusters/{cluster}")
    return tuple(Route("GET", at + "/applications", list_releases, tags=TAGS, parameters=PARAMETERS) for at in paths)


ROUTES = (
    *_lists(),
    *_routes(IN_WORKSPACE + "/namespaces/{namespace}", by_cluster=False),
    *_routes(IN_WORKSPACE + "/clusters/{cluster}/namespaces/{namespace}", by_cluster=True),
)
