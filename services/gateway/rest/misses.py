"""Paths that no service has: the original's texts, and for a cluster's API the news that none is here."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Busy
from libs.shared.http.faults import dialect_of, miss
from services.gateway import shapes
from services.gateway.rest.visit import Visit

NOT_FOUND, NOT_ALLOWED = 404, 405


def missed(asked: Visit) -> web.Response:
    """The answer where there is no route: 405 where other methods have one, 503 for a cluster's API, else 404."""
    path, others = asked.asked.path, asked.parts.behind.table.methods(asked.path.segments)
    if others:
        response = miss(NOT_ALLOWED, dialect_of(path), path)
        response.headers["Allow"] = ", ".join(sorted(others))
        return response
    if asked.asked.kubernetes_request and not _ours(asked):
        return shapes.refusal(NO_CLUSTER, asked.asked)
    return miss(NOT_FOUND, dialect_of(path), path)


NO_CLUSTER = Busy("no-cluster", "no cluster is configured: only the platform's own API groups are served here")
"""Clients take a 404 for `there is none`, and would act on it: where a cluster would know, 503 is the truth."""


def _ours(asked: Visit) -> bool:
    """Whether the group is one that a service serves."""
    segments = asked.path.segments
    return segments[0] == "apis" and segments[1:2] != () and segments[1] in asked.parts.behind.table.groups
