"""`/kapis/tenant.kubesphere.io/v1alpha2/…/namespaces`: the projects of a workspace (iam-gateway 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from libs.shared.errors import Exists, Malformed
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.listing import PARAMETERS, last, listed
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Access, May, Mine, Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.patches import merge
from libs.shared.objects.shapes import ObjectShape
from services.cluster.clients import kube
from services.cluster.domain import project, resource
from services.cluster.domain.held import plain
from services.cluster.domain.resource import NAMESPACES, JsonObject
from services.cluster.domain.shelf import key_of
from services.cluster.parts import Parts
from services.cluster.queries import objects as queries
from services.cluster.rest.showing import paged, shown
from services.cluster.shapes.filters import FILTERS

V = "/kapis/tenant.kubesphere.io/v1alpha2"
ALL = V + "/namespaces"
OF_WORKSPACE = V + "/workspaces/{workspace}/namespaces"
ONE = OF_WORKSPACE + "/{namespace}"
LISTS_ALL = May("namespaces.all", "list", "namespaces", "", "Cluster")
LISTS_HERE = May("namespaces.all", "list", "namespaces", "", "Workspace", workspace="{workspace}")
MINE = Mine("namespaces.mine", "namespaces")
SUCCESS: Mapping[str, str] = {"message": "success"}


async def list_projects(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Namespaces, of a workspace where one is named: all for who may list them there, else those that the caller is
    bound in.
    """
    workspace = request.match_info.get("workspace")
    found = await queries.objects(parts.shelf, parts.kube, NAMESPACES)
    if workspace is not None:
        found = [one for one in found if project.workspace_of(one) == workspace]
    if await answer(request, LISTS_ALL.name) is not True:
        mine = frozenset(await answer(request, MINE.name))
        found = [one for one in found if resource.name(one) in mine]
    query = last(request.query.items())
    if workspace is not None:
        query.pop("label", None)  # the original puts the workspace's own in its place
    return await shown(await paged(listed, found, query, filters=FILTERS[NAMESPACES.plural]))


async def create_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a namespace of this workspace; who asks becomes its admin. A taken name is 400 (iam-gateway 8.2)."""
    body, workspace = await lenient_object(request), request.match_info["workspace"]
    name = str((body.get("metadata") or {}).get("name") or "") if isinstance(body.get("metadata"), Mapping) else ""
    wanted = project.namespace(name, workspace, caller(request).user, body)
    await parts.people.require_workspace(workspace)
    try:
        made = await parts.kube.create(NAMESPACES.path(), wanted)
    except Exists as fault:
        raise Malformed(fault.slug, fault.text) from None
    return await _noted(made, parts)


async def get_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One namespace of the workspace; another workspace's is 404."""
    return await shown(await _own(request, parts))


async def change_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace what is said of a namespace: its labels and annotations. It stays in its workspace."""
    body, before = await lenient_object(request), await _own(request, parts)
    name = request.match_info["namespace"]
    about = body.get("metadata")
    given = about.get("name") if isinstance(about, Mapping) else None
    if given != name:
        text = f"the name of the object ({given}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    return await _replace(request, before, body, parts)


async def patch_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change a namespace by a merge patch. It stays in its workspace."""
    patch, before = await lenient_object(request), await _own(request, parts)
    return await _replace(request, before, merge(plain(before), patch), parts)


async def delete_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Delete a namespace of the workspace with everything in it."""
    before = await _own(request, parts)
    await kube.delete_project(parts.kube, resource.name(before))
    return web.json_response(dict(SUCCESS))


async def _own(request: web.Request, parts: Parts) -> JsonObject:
    return await queries.project(parts.kube, request.match_info["workspace"], request.match_info["namespace"])


async def _replace(
    request: web.Request, before: JsonObject, wanted: Mapping[str, Any], parts: Parts
) -> web.StreamResponse:
    """Labels and annotations are the client's, but for those that say whose the project is and who made it."""
    made = project.changed(before, wanted, request.match_info["workspace"])
    found = await parts.kube.replace(NAMESPACES.path("", resource.name(before)), made)
    return await _noted(found, parts)


async def _noted(found: JsonObject, parts: Parts) -> web.StreamResponse:
    parts.shelf.take(NAMESPACES.plural, found)
    await parts.work.facts.name(key_of(NAMESPACES, found))
    return await shown(found)


TAGS = ("projects",)
ROUTES = (
    Route(
        "GET",
        ALL,
        list_projects,
        access=Access.SIGNED_IN,
        questions=(LISTS_ALL, MINE),
        tags=TAGS,
        answer=Listed[ObjectShape],
        parameters=PARAMETERS,
    ),
    Route(
        "GET",
        OF_WORKSPACE,
        list_projects,
        access=Access.SIGNED_IN,
        questions=(LISTS_HERE, MINE),
        tags=TAGS,
        answer=Listed[ObjectShape],
        parameters=PARAMETERS,
    ),
    Route("POST", OF_WORKSPACE, create_project, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("GET", ONE, get_project, tags=TAGS, answer=ObjectShape),
    Route("PUT", ONE, change_project, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("PATCH", ONE, patch_project, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("DELETE", ONE, delete_project, tags=TAGS, answer=Done),
)
