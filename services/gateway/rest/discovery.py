"""Kubernetes' discovery over the cluster and all services: `kubectl api-resources` lists what each of them serves."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from libs.shared.http import openapi
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.kinds import discovery
from services.gateway.parts import Parts
from services.gateway.queries import gathering
from services.gateway.shapes import GroupsShape


async def list_groups(request: web.Request, parts: Parts) -> web.Response:
    """API groups of the cluster and of all services; with their resources where the client asks for aggregated
    discovery.
    """
    behind = parts.behind
    found: dict[str, Any] = dict(await gathering.kinds(behind.services, behind.others, behind.cluster))
    if discovery.AGGREGATED not in request.headers.get("Accept", "").replace(" ", ""):
        return web.json_response(discovery.group_list(found))
    response = web.json_response(found)
    response.headers["Content-Type"] = discovery.AGGREGATED
    return response


async def describe(_request: web.Request, parts: Parts) -> web.Response:
    """Every route of every service as one OpenAPI 3.1 document."""
    names = (*parts.behind.others, "gateway")
    found = await gathering.gathered(parts.behind.services, names, openapi.PATH)
    return web.json_response(openapi.merged("Orrery", tuple(found.answers.values())))


TAGS = ("discovery",)
ROUTES = (
    Route(
        "GET",
        "/apis",
        list_groups,
        access=Access.SIGNED_IN,
        answer=GroupsShape,
        dialect=Dialect.KUBERNETES,
        tags=TAGS,
    ),
    Route("GET", "/kapis/orrery.io/v1/openapi", describe, access=Access.SIGNED_IN, tags=TAGS),
)
