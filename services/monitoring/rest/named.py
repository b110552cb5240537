"""`/kapis/monitoring.kubesphere.io/v1alpha3`: named metrics by level (spec 1.1 to 1.5).

Who may see them is decided by path, before anything here is reached; no filter widens what a path names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from libs.shared.errors import Malformed, Missing
from libs.shared.http.faults import MISSES, json_response
from libs.shared.http.route import Route
from services.monitoring import queries, shapes
from services.monitoring.domain.moment import duration, moments
from services.monitoring.domain.named import IDENTIFIERS, filled
from services.monitoring.domain.ranking import Page, ranked
from services.monitoring.domain.scope import Scope, pairs_of, scope_of
from services.monitoring.parts import Parts

V1 = "/kapis/monitoring.kubesphere.io/v1alpha3"
PAIRED = ("namespaced_resources_filter", "namespace/pod, several with | between them")
WINDOW = 300_000
Handler = Callable[[web.Request, Parts], Awaitable[web.Response]]


def measured(level: str) -> Handler:
    """The handler of a level."""

    async def measure(request: web.Request, parts: Parts) -> web.Response:
        """Named metrics, at one moment or over a range; ranked and in pages with `sort_metric`."""
        query, path = request.query, request.match_info
        if level == "workspace" and query.get("type") == "statistics":
            raise Missing("monitoring-statistics", MISSES[404])  # a workspace's counters are not told here
        when = moments(query, round(parts.clock().timestamp() * 1000))
        order = shapes.order(query)
        if namespace := path.get("namespace"):
            clipped = await queries.clipped(parts.targets.cluster, namespace, when)
            if clipped is None:
                return json_response(shapes.missed(parts.seeds.catalogue.missed(level)))
            when = clipped
        scope = scope_of(level, path, {**query, "duration": window(query)})
        named = parts.seeds.catalogue.named(level, query.get("metrics_filter", ""))
        found = await parts.metrics.query({name: written(name, text, scope) for name, text in named.items()}, when)
        if scope.pairs is not None:
            found = {name: replace(answer, rows=pairs_of(answer.rows, scope.pairs)) for name, answer in found.items()}
        page = Page(found)
        if order is not None and not when.ranged and level in IDENTIFIERS:
            page = ranked(found, IDENTIFIERS[level], order)
        return json_response(shapes.metrics(page))

    return measure


def written(name: str, text: str, scope: Scope) -> str:
    """The metric's expression with its selectors; a workload's second one depends on the metric."""
    second = next((value for part, value in scope.by_metric if part in name), scope.second)
    return filled(text, scope.first, second, scope.third)


def window(query: Mapping[str, str]) -> str:
    """An ingress's range: what `duration` says when `time` is there and it can be read, five minutes otherwise."""
    if not query.get("time") or not query.get("duration"):
        return f"{WINDOW}ms"
    try:
        wanted = duration(query["duration"])
    except Malformed:
        wanted = 0
    return f"{wanted if wanted > 0 else WINDOW}ms"


async def measure_component(request: web.Request, parts: Parts) -> web.Response:
    """Named metrics of etcd, apiserver or scheduler; another component has none."""
    component = request.match_info["component"]
    if component not in ("etcd", "apiserver", "scheduler"):
        moments(request.query, 0)
        return json_response({"results": None})
    return await measured(component)(request, parts)


def route(path: str, level: str, *more: tuple[str, str]) -> Route:
    """A level's metrics at a path."""
    return Route("GET", V1 + path, measured(level), answer=shapes.MetricsShape, parameters=(*shapes.PARAMETERS, *more))


ROUTES = (
    route("/cluster", "cluster"),
    route("/nodes", "node"),
    route("/nodes/{node}", "node"),
    route("/workspaces", "workspace"),
    route("/workspaces/{workspace}", "workspace"),
    route("/workspaces/{workspace}/namespaces", "namespace"),
    route("/namespaces", "namespace"),
    route("/namespaces/{namespace}", "namespace"),
    route("/namespaces/{namespace}/workloads", "workload"),
    route("/namespaces/{namespace}/workloads/{kind}", "workload"),
    route("/namespaces/{namespace}/workloads/{kind}/{workload}/pods", "pod"),
    route("/pods", "pod", PAIRED),
    route("/namespaces/{namespace}/pods", "pod"),
    route("/namespaces/{namespace}/pods/{pod}", "pod"),
    route("/nodes/{node}/pods", "pod", PAIRED),
    route("/nodes/{node}/pods/{pod}", "pod"),
    route("/namespaces/{namespace}/pods/{pod}/containers", "container"),
    route("/namespaces/{namespace}/pods/{pod}/containers/{container}", "container"),
    route("/storageclasses/{storageclass}/persistentvolumeclaims", "pvc"),
    route("/namespaces/{namespace}/persistentvolumeclaims", "pvc"),
    route("/namespaces/{namespace}/persistentvolumeclaims/{pvc}", "pvc"),
    route("/namespaces/{namespace}/ingresses", "ingress", ("job", "the gateway's job"), ("duration", "its window")),
    route(
        "/namespaces/{namespace}/ingresses/{ingress}", "ingress", ("job", "the gateway's job"), ("duration", "window")
    ),
    Route(
        "GET",
        V1 + "/components/{component}",
        measure_component,
        answer=shapes.MetricsShape,
        parameters=shapes.PARAMETERS,
    ),
)
