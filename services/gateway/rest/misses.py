"""Paths that no service has: the original's texts, and for Kubernetes' own API the news that no cluster is here."""

from __future__ import annotations

from aiohttp import web

from services.gateway import shapes
from services.gateway.rest.visit import Visit

APIS = "apis"
ANY_METHOD = "*"


def missed(asked: Visit) -> web.Response:
    """The answer where there is no route: 405 with other methods, 404, or 503 for a cluster's API."""
    others = asked.parts.behind.table.methods(asked.path.segments)
    if asked.asked.kubernetes_request:
        return _kubernetes(asked, others)
    if others:
        response = web.Response(status=405, text=shapes.NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(sorted(others))
        return response
    if asked.path.segments[:1] == ("kapis",):
        return web.Response(status=404, text=shapes.NOT_FOUND)
    return web.Response(status=404, text=shapes.NOWHERE)


def _kubernetes(asked: Visit, others: frozenset[str]) -> web.Response:
    """Clients take a 404 for `there is none`, and would act on it: where a cluster would know, 503 is the truth."""
    if others:
        text = "the server does not allow this method on the requested resource"
        return shapes.status(405, "MethodNotAllowed", text, details=shapes.details(asked.asked))
    if _ours(asked):
        text = "the server could not find the requested resource"
        return shapes.status(404, "NotFound", text, details=shapes.details(asked.asked))
    text = "no cluster is configured: only the platform's own API groups are served here"
    return shapes.status(503, "ServiceUnavailable", text, details=shapes.details(asked.asked))


def _ours(asked: Visit) -> bool:
    """Whether the group is one that a service serves."""
    segments = asked.path.segments
    return len(segments) > 1 and segments[0] == APIS and segments[1] in asked.parts.behind.table.groups
