"""Paths that nobody has: the original's texts."""

from __future__ import annotations

from aiohttp import web

from libs.shared.http.faults import dialect_of, miss
from services.gateway.rest.visit import Visit

NOT_FOUND, NOT_ALLOWED = 404, 405


def missed(asked: Visit) -> web.Response:
    """The answer where there is no route: 405 where other methods have one, else 404."""
    path, others = asked.asked.path, asked.parts.behind.table.methods(asked.path.segments)
    if others:
        response = miss(NOT_ALLOWED, dialect_of(path), path)
        response.headers["Allow"] = ", ".join(sorted(others))
        return response
    return miss(NOT_FOUND, dialect_of(path), path)
