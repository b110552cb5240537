"""`…/targets/query` and `…/targets/labelsets`: PromQL and series, of all or bound to one namespace (spec 1.6)."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Fault, Invalid, Malformed
from libs.shared.http.faults import json_response
from libs.shared.http.route import Route
from services.monitoring import queries, shapes
from services.monitoring.clients.binding import bound
from services.monitoring.domain.labels import unnamed
from services.monitoring.domain.moment import integer, moments
from services.monitoring.parts import Parts
from services.monitoring.rest.named import V1

QUERY = (("expr", "an expression in PromQL"), *shapes.TIMES)
SETS = (("metric", "a selector"), ("start", "Unix seconds"), ("end", "Unix seconds"))


async def query_target(request: web.Request, parts: Parts) -> web.Response:
    """An expression's value; in a namespace every selector of it is bound to that."""
    query, namespace = request.query, request.match_info.get("namespace", "")
    when, expression = moments(query, round(parts.clock().timestamp() * 1000)), query.get("expr", "")
    if namespace:
        clipped = await queries.clipped(parts.targets.cluster, namespace, when)
        if clipped is None:
            return json_response({"data": {}})
        when, expression = clipped, _bound(expression, namespace)
    found = await parts.metrics.query({"": expression}, when)
    return json_response(shapes.single(found[""]))


async def list_label_sets(request: web.Request, parts: Parts) -> web.Response:
    """Labels of the series that a selector finds, without their names."""
    query, namespace = request.query, request.match_info.get("namespace", "")
    if not all(query.get(name) for name, _ in SETS):
        raise Malformed("monitoring-fields", "required fields are missing: [metric, start, end]")
    start, end, selector = integer(query["start"]) * 1000, integer(query["end"]) * 1000, query["metric"]
    if namespace:
        when = moments({"start": query["start"], "end": query["end"]}, 0)
        if await queries.clipped(parts.targets.cluster, namespace, when) is None:
            return json_response({"data": None})
        selector = _bound(selector, namespace)
    try:
        found = await parts.metrics.series([selector], start, end)
    except Invalid:
        return json_response({"data": []})
    except Fault as fault:
        parts.journal.log.warning("labelsets", fault=fault.slug)
        return json_response({"data": None})
    return json_response({"data": shapes.label_sets([unnamed(labels) for labels in found]) or None})


def _bound(expression: str, namespace: str) -> str:
    """Raises `Malformed` for what can't be parsed: what can't be bound isn't asked."""
    try:
        return bound(expression, namespace)
    except Invalid as fault:
        raise Malformed("monitoring-expression", fault.text) from None


ROUTES = (
    Route("GET", V1 + "/targets/query", query_target, answer=shapes.MetricShape, parameters=QUERY),
    Route("GET", V1 + "/targets/labelsets", list_label_sets, parameters=SETS),
    Route(
        "GET", V1 + "/namespaces/{namespace}/targets/query", query_target, answer=shapes.MetricShape, parameters=QUERY
    ),
    Route("GET", V1 + "/namespaces/{namespace}/targets/labelsets", list_label_sets, parameters=SETS),
)
