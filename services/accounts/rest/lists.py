"""Lists in the v1alpha3 dialect (spec 5.1, 5.2), from objects that were read whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from libs.shared.http import listing
from services.accounts.shapes.metadata import JsonObject


def listed(request: web.Request, items: Sequence[JsonObject], filters: Mapping[str, listing.Filter]) -> web.Response:
    """The page that the query asks for, with the number of all that match."""
    return web.json_response(listing.listed(items, listing.last(request.query.items()), filters=filters))
