"""`/kapis/iam.kubesphere.io/v1alpha2/namespaces/{namespace}/roles` (iam-gateway 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from libs.shared.errors import Malformed, Missing
from libs.shared.http.listing import PARAMETERS, last, listed
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.patches import merge
from libs.shared.objects.shapes import ObjectShape
from services.cluster.clients import kube
from services.cluster.domain import resource
from services.cluster.domain.held import plain
from services.cluster.domain.resource import ROLES, JsonObject
from services.cluster.domain.shelf import Key, key_of
from services.cluster.parts import Parts, followed
from services.cluster.rest.granting import EVERYTHING, rules_of, vet
from services.cluster.rest.showing import paged, shown
from services.cluster.shapes.roles import AGGREGATE_TO, aggregated, unknown_role, wished

V = "/kapis/iam.kubesphere.io/v1alpha2/namespaces/{namespace}/roles"
SUCCESS: Mapping[str, str] = {"message": "success"}


async def list_roles(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Roles and templates of the project; `aggregateTo=<role>` lists the templates that it is made of."""
    found = followed(parts).all(ROLES.plural, request.match_info["namespace"])
    query = last(request.query.items())
    whole = query.pop(AGGREGATE_TO, None)
    if whole is not None:
        names = aggregated(_standing(request, parts, whole) or {})
        found = [one for one in found if resource.name(one) in names]
        query.pop("labelSelector", None)
    return await shown(await paged(listed, found, query))


async def get_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One role."""
    return await shown(_one(request, parts))


async def create_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a role out of the templates that its annotation names; rules in the body are not read."""
    wanted = await _wished(request, await lenient_object(request), parts)
    wanted["metadata"].pop("resourceVersion", None)
    return await _noted(await kube.create_role(parts.kube, wanted), parts)


async def change_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace a role; without a resourceVersion it counts as one to be made (iam-gateway 7)."""
    wanted = await _wished(request, await lenient_object(request), parts)
    name = request.match_info["role"]
    if resource.name(wanted) != name:
        text = f"the name of the object ({resource.name(wanted)}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    if not wanted["metadata"].get("resourceVersion"):
        return await _noted(await kube.create_role(parts.kube, wanted), parts)
    return await _noted(await kube.replace_role(parts.kube, wanted), parts)


async def patch_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change labels and annotations by a merge patch; rules follow from the annotation alone."""
    before, patch = _one(request, parts), await lenient_object(request)
    wanted = await _wished(request, merge(plain(before), patch), parts)
    if resource.name(wanted) != resource.name(before):
        raise Malformed("name-mismatch", "metadata.name is not changed by a patch")
    return await _noted(await kube.replace_role(parts.kube, wanted), parts)


async def delete_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a role; its bindings stay and grant nothing. A built-in one comes back. Nobody takes from others what they
    have not themselves.
    """
    before = _one(request, parts)
    name = resource.name(before)
    await vet(request, before.get("rules") or (), f'or take away role "{name}"')
    try:
        left = await parts.kube.delete(ROLES.path(resource.namespace(before), name))
    except Missing:
        raise unknown_role(name) from None
    if resource.goes(left):
        parts.shelf.take(ROLES.plural, left)
    else:
        parts.shelf.removed(ROLES.plural, before)
    await parts.work.facts.name(key_of(ROLES, before))
    return web.json_response(dict(SUCCESS))


def _standing(request: web.Request, parts: Parts, name: str) -> JsonObject | None:
    return followed(parts).get(Key(ROLES.plural, request.match_info["namespace"], name))


def _one(request: web.Request, parts: Parts) -> JsonObject:
    name = request.match_info["role"]
    found = _standing(request, parts, name)
    if found is None:
        text = f'{ROLES.qualified} "{name}" not found'
        raise Missing("role-missing", text, resource=ROLES.plural, name=name)
    return found


async def _wished(request: web.Request, body: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """The role that is wanted. Neither what it will allow nor what it allows now may be more than the caller holds."""
    wanted = wished(body, request.match_info["namespace"], partial(_standing, request, parts))
    now = rules_of(parts, request.match_info["namespace"], ROLES.kind, resource.name(wanted)) or ()
    await vet(request, (*wanted["rules"], *now), f'role "{resource.name(wanted)}"')
    return wanted


async def _noted(found: JsonObject, parts: Parts) -> web.StreamResponse:
    parts.shelf.take(ROLES.plural, found)
    await parts.work.facts.name(key_of(ROLES, found))
    return await shown(found)


TAGS = ("roles",)
ASKS = (EVERYTHING,)
ROUTES = (
    Route("GET", V, list_roles, tags=TAGS, answer=Listed[ObjectShape], parameters=PARAMETERS),
    Route("POST", V, create_role, questions=ASKS, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("GET", V + "/{role}", get_role, tags=TAGS, answer=ObjectShape),
    Route("PUT", V + "/{role}", change_role, questions=ASKS, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("PATCH", V + "/{role}", patch_role, questions=ASKS, tags=TAGS, body=ObjectShape, answer=ObjectShape),
    Route("DELETE", V + "/{role}", delete_role, questions=ASKS, tags=TAGS, answer=Done),
)
