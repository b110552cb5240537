"""A service's HTTP application, made of its routes: who asks is verified, faults are worded, time and size bounded.

Outermost first: the trace and the metrics; faults; identity; the cause; the handler under its time limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from opentelemetry.trace import SpanKind

from libs.shared.errors import Broken, Busy, Denied, Fault, Unauthenticated
from libs.shared.event import CAUSE, Cause
from libs.shared.http import faults, health, identity, reading
from libs.shared.http.identity import GATEWAY, Identity, Verifier
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import RouteMetrics
from libs.shared.telemetry.traces import span, traceparent
from libs.shared.values import Clock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECONDS = 60.0
"""The longest that a handler may take that doesn't stream."""
LARGEST_LINE = 16 << 10
"""Bytes of a request line, and of one header field (the identity is one)."""
PARTS = web.AppKey("parts", object)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the layers around a handler need."""

    parts: Any
    verifier: Verifier
    telemetry: Telemetry
    metrics: RouteMetrics
    clock: Clock
    groups: Mapping[str, str]


def application(
    routes: Sequence[Route],
    parts: Any,
    *,
    verifier: Verifier,
    telemetry: Telemetry,
    clock: Clock,
    checks: Mapping[str, health.Check],
    groups: Mapping[str, str],
) -> web.Application:
    """The application that serves these routes with these parts. `groups` as `Service.groups`."""
    serving = Serving(parts, verifier, telemetry, RouteMetrics(telemetry.registry), clock, groups)
    app = web.Application(
        middlewares=[_misses],
        handler_args={"max_line_size": LARGEST_LINE, "max_field_size": LARGEST_LINE, "lingering_time": 2.0},
        client_max_size=0,
    )
    app[PARTS] = parts
    health.Health(checks, telemetry.registry, clock).add_to(app)
    for route in routes:
        app.router.add_route(route.method, route.path, _served(route, serving))
    return app


def _served(route: Route, serving: Serving) -> Handler:
    """The route's handler with everything around it."""
    dialect = route.dialect or faults.dialect_of(route.path)

    async def serve(request: web.Request) -> web.StreamResponse:
        request[reading.ROUTE] = route
        began = serving.clock.monotonic()
        named = f"{request.method} {route.path}"
        with (
            serving.metrics.running.track_inprogress(),
            span(
                serving.telemetry.tracer, named, kind=SpanKind.SERVER, parent=request.headers.get("traceparent", "")
            ) as running,
        ):
            answer = await _worded(request, route, serving, dialect)
            running.set_attribute("http.response.status_code", answer.status)
        serving.metrics.answered(request.method, route.path, answer.status, serving.clock.monotonic() - began)
        return answer

    return serve


async def _worded(request: web.Request, route: Route, serving: Serving, dialect: Dialect) -> web.StreamResponse:
    """The handler's answer, or its fault in the route's dialect."""
    try:
        return await _identified(request, route, serving)
    except Fault as fault:
        status, _ = faults.status_of(fault)
        if status >= 500:  # noqa: PLR2004 - HTTP's class of server errors
            serving.telemetry.log.warning("fault", route=route.path, slug=fault.slug, text=fault.text)
        return faults.answer(fault, dialect, serving.groups)
    except web.HTTPException:
        raise
    except Exception:  # the one place where a handler's mistake becomes an answer, which tells nothing of it
        serving.telemetry.log.exception("unexpected", route=route.path)
        return faults.answer(Broken("unexpected", "Internal server error"), dialect, serving.groups)


async def _identified(request: web.Request, route: Route, serving: Serving) -> web.StreamResponse:
    """The handler run for a verified caller, with the cause of what it does set."""
    who = await _verified(request, route, serving.verifier)
    request[identity.IDENTITY] = who
    cause = Cause(actor=who.user, correlation=who.request_id, traceparent=traceparent())
    token = CAUSE.set(cause)
    try:
        async with asyncio.timeout(None if route.streams else SECONDS) as limit:
            answer = await route.handler(request, serving.parts)
    except TimeoutError:
        if not limit.expired():
            raise
        raise Busy("too-slow", f"this took longer than the {SECONDS:.0f} s that it may", retry_after=1) from None
    finally:
        CAUSE.reset(token)
    if cause.told and not answer.prepared:
        answer.headers[identity.TOLD] = ", ".join(f"{told.name}={told.id}" for told in cause.told)
    return answer


async def _verified(request: web.Request, route: Route, verifier: Verifier) -> Identity:
    """Whom the gateway says it is; raises `Unauthenticated` or `Denied`."""
    header = request.headers.get(identity.HEADER, "")
    if not header:
        raise Unauthenticated("identity-missing", "this service is asked through the gateway only")
    if route.forwarded:
        return verifier.forwarded(header)
    who, digest = verifier.verify(header, request.method, request.raw_path)
    if digest:
        found = hashlib.sha256(await reading.raw_body(request)).hexdigest()
        if not hmac.compare_digest(found, digest):
            raise Unauthenticated("identity-body", "the body is not the one that the identity covers")
    if route.access is Access.INTERNAL and who.user != GATEWAY:
        raise Denied("internal", "this is for the gateway alone")
    return who


@web.middleware
async def _misses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Words the router's own refusals in the dialect of the path's family."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return faults.miss(refusal.status, faults.dialect_of(request.path), request.path)
