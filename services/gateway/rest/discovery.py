"""Kubernetes' discovery over all services: `kubectl api-resources` lists what each of them serves."""

from __future__ import annotations

from aiohttp import web

from libs.shared.http import openapi
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.kinds import discovery
from services.gateway.parts import Parts
from services.gateway.queries import gathering
from services.gateway.shapes import GroupsShape, VersionsShape


async def list_groups(request: web.Request, parts: Parts) -> web.Response:
    """API groups of all services; with their resources where the client asks for aggregated discovery."""
    found = dict(await gathering.kinds(parts.behind.services, parts.behind.others))
    if discovery.AGGREGATED in request.headers.get("Accept", "").replace(" ", ""):
        return _typed(found, discovery.AGGREGATED)
    return web.json_response(discovery.group_list(found))


async def list_core_versions(request: web.Request, _parts: Parts) -> web.Response:
    """Versions of the core API: it is a cluster's, and none is configured, so there are none."""
    if discovery.AGGREGATED in request.headers.get("Accept", "").replace(" ", ""):
        return _typed(discovery.merged(()), discovery.AGGREGATED)
    return web.json_response({"kind": "APIVersions", "versions": [], "serverAddressByClientCIDRs": []})


async def describe(_request: web.Request, parts: Parts) -> web.Response:
    """Every route of every service as one OpenAPI 3.1 document."""
    names = (*parts.behind.others, "gateway")
    found = await gathering.gathered(parts.behind.services, names, openapi.PATH)
    return web.json_response(openapi.merged("Orrery", tuple(found.answers.values())))


def _typed(body: object, media: str) -> web.Response:
    response = web.json_response(body)
    response.headers["Content-Type"] = media
    return response


TAGS = ("discovery",)
ROUTES = (
    Route("GET", "/apis", list_groups, answer=GroupsShape, dialect=Dialect.KUBERNETES, tags=TAGS),
    Route("GET", "/kapis/orrery.io/v1/openapi", describe, access=Access.SIGNED_IN, tags=TAGS),
    Route("GET", "/api", list_core_versions, answer=VersionsShape, dialect=Dialect.KUBERNETES, tags=TAGS),
)
