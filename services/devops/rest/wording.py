"""What DevOps' own routes have in common: their faults, and lists by ten (devops-apps-mesh 0.2, 0.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import wraps
from typing import Any

from aiohttp import web

from libs.shared.errors import Conflict, Invalid, Malformed, TooLarge, Unsupported
from libs.shared.http import listing
from libs.shared.http.route import Handler

V3 = "/kapis/devops.kubesphere.io/v1alpha3"
V2 = "/kapis/devops.kubesphere.io/v1alpha2"
IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha2"
SUCCESS: Mapping[str, str] = {"message": "success"}
PAGE = "10"


def plain(handler: Handler) -> Handler:
    """The handler as ks-devops answers: what isn't there is 404, any other refusal 400."""

    @wraps(handler)
    async def answer(request: web.Request, parts: Any) -> web.StreamResponse:
        try:
            return await handler(request, parts)
        except (TooLarge, Unsupported, Malformed):
            raise
        except (Invalid, Conflict) as fault:
            raise Malformed(fault.slug, fault.text) from None

    return answer


def page(
    request: web.Request,
    items: Iterable[Mapping[str, Any]],
    filters: Mapping[str, listing.Filter] | None = None,
    sorts: Mapping[str, listing.SortKey] | None = None,
) -> dict[str, Any]:
    """A page of `v1alpha3`: ten unless told otherwise, and a key that the resource doesn't know matches everything."""
    query = listing.last(request.query.items())
    known = {*listing.RESERVED, *listing.DEFAULT_FILTERS, *(filters or {})}
    asked = {key: value for key, value in query.items() if key in known}
    if asked.get("limit", "-1") == "-1":
        asked["limit"] = PAGE
    return listing.listed(items, asked, filters=filters, sorts=sorts)


def listed(
    request: web.Request, items: Iterable[Mapping[str, Any]], filters: Mapping[str, listing.Filter] | None = None
) -> web.Response:
    """The same as an answer."""
    return web.json_response(page(request, items, filters))


def listed_whole(request: web.Request, items: Iterable[Mapping[str, Any]]) -> web.Response:
    """A page as the gateway's own lists give it: all unless told otherwise."""
    return web.json_response(listing.listed(items, listing.last(request.query.items())))
