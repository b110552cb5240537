"""What is seen of each request: one span, its route's metrics, one line of log. Misses and refusals are seen too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from opentelemetry.trace import SpanKind, StatusCode

from libs.shared.event import CAUSE, Cause
from libs.shared.http.health import PROBES
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import RouteMetrics
from libs.shared.telemetry.traces import UNSEEN, span, traceparent
from libs.shared.values import Clock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NO_ROUTE: Final = "(none)"
OTHER_METHOD: Final = "(other)"
INTERNAL: Final = "/internal/"
LONGEST_PATH: Final = 200
"""Characters of a path in the log; never the query, which may hold what is nobody's business."""


def observed(telemetry: Telemetry, clock: Clock) -> Middleware:
    """The outermost middleware of an application. It begins the request's `Cause`, which identity fills."""
    metrics = RouteMetrics(telemetry.registry)

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        method, route = _method(request), route_of(request)
        parent = UNSEEN if request.path in PROBES else request.headers.get("traceparent", "")
        began, status = clock.monotonic(), HTTPStatus.INTERNAL_SERVER_ERROR.value
        with (
            metrics.running.track_inprogress(),
            span(telemetry.tracer, f"{method} {route}", kind=SpanKind.SERVER, parent=parent) as running,
        ):
            CAUSE.set(Cause(traceparent=traceparent(running)))  # each request has its own context: nothing to reset
            try:
                answer = await handler(request)
                status = answer.status
            finally:
                if running.is_recording():
                    running.set_attributes(
                        {"http.request.method": method, "http.route": route, "http.response.status_code": status}
                    )
                    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        running.set_status(StatusCode.ERROR)
                seconds = clock.monotonic() - began
                metrics.answered(method, route, status, seconds)
                _say(telemetry.log, request, route, status, seconds)
            return answer

    return observe


def route_of(request: web.Request) -> str:
    """The pattern that took the request: labels and span names come from our own tables, never from a client."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else NO_ROUTE


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else OTHER_METHOD


def _say(log: Any, request: web.Request, route: str, status: int, seconds: float) -> None:
    """Changes and refusals at `info`, failures of ours at `error`; reads, probes and what services ask each
    other, which are many, at `debug`.
    """
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and request.path not in PROBES:
        say = log.error
    elif status < HTTPStatus.BAD_REQUEST and (
        request.method in (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS) or request.path.startswith(INTERNAL)
    ):
        say = log.debug
    else:
        say = log.info
    cause = CAUSE.get(Cause())
    say(
        "request",
        method=_method(request),
        path=request.path[:LONGEST_PATH],
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 2),
        user=cause.actor,
    )
