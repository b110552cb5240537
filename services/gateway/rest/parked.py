"""`/kapis/orrery.io/v1/parked`: what no service could make sense of, for platform administrators."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from libs.shared.delivery.rest import ParkedView
from libs.shared.errors import Malformed, Missing
from libs.shared.http.listing import limit_of
from libs.shared.http.route import Route
from services.gateway import shapes
from services.gateway.parts import Parts
from services.gateway.queries import gathering

V1 = "/kapis/orrery.io/v1/parked"


async def list_parked(request: web.Request, parts: Parts) -> web.Response:
    """Messages that are parked, of every service, `limit` of each at most; `unreachable` names the services that could
    not be asked. Raises `Malformed` for a limit that is none, or any other parameter.
    """
    for name in request.query:
        if name != "limit":
            raise Malformed("parameter", f"{name[:40]} is no parameter here: limit is the only one")
    limit = limit_of(request.query, default=gathering.MOST, most=gathering.MOST)
    items, total, silent = await gathering.parked(parts.behind.services, parts.behind.others, limit)
    return web.json_response({"items": items, "totalItems": total, "unreachable": silent})


async def release_parked(request: web.Request, parts: Parts) -> web.Response:
    """Try a parked message's subject again at once."""
    service, name = _named(request, parts)
    found = await parts.behind.services.ask(service, "POST", f"{gathering.PARKED}/{name}/release")
    return web.json_response(found, status=202)


async def discard_parked(request: web.Request, parts: Parts) -> web.Response:
    """Give a parked message up: it counts as handled, and what waits behind it goes on."""
    service, name = _named(request, parts)
    await parts.behind.services.ask(service, "DELETE", f"{gathering.PARKED}/{name}")
    return web.Response(status=204)


def _named(request: web.Request, parts: Parts) -> tuple[str, str]:
    service = request.match_info["service"]
    if service not in parts.behind.others:
        known = ", ".join(parts.behind.others)
        raise Missing("service-missing", f"{service} is no service: there are {known}", resource="parked", name=service)
    return service, quote(request.match_info["id"], safe="")


ROUTES = (
    Route(
        "GET",
        V1,
        list_parked,
        answer=shapes.ParkedShape,
        parameters=(("limit", f"how many of each service, up to {gathering.MOST}"),),
        tags=("delivery",),
    ),
    Route("POST", V1 + "/{service}/{id}/release", release_parked, answer=ParkedView, status=202, tags=("delivery",)),
    Route("DELETE", V1 + "/{service}/{id}", discard_parked, status=204, tags=("delivery",)),
)
