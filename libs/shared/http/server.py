"""A service's HTTP application, made of its routes: who asks is verified, faults are worded, time and size bounded.

Outermost first: trace, metrics and log (`observe.py`); faults; identity and cause; the handler under its time limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from libs.shared.errors import Broken, Busy, Conflict, Denied, Fault, Malformed, Unauthenticated, Unsupported
from libs.shared.event import Cause, current_cause
from libs.shared.http import faults, health, identity, observe, openapi, reading
from libs.shared.http.identity import GATEWAY, Identity, Verifier
from libs.shared.http.route import MIB, Access, Dialect, Route
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECONDS: Final = 60.0
"""The longest that a handler may take that doesn't stream."""
LARGEST_LINE: Final = 16 << 10
"""Bytes of a request line, and of one header field (the identity is one)."""
MOST_TOLD: Final = 64
"""Events that a reply names: the last ones, since who has seen those has seen the others of their subjects."""
PARTS: Final = web.AppKey("parts", object)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the layers around a handler need. `seconds` is their time limit."""

    parts: Any
    verifier: Verifier
    log: Any
    groups: Mapping[str, str]
    seconds: float


def application(
    routes: Sequence[Route],
    parts: Any,
    *,
    verifier: Verifier,
    telemetry: Telemetry,
    clock: Clock,
    checks: Mapping[str, health.Check],
    groups: Mapping[str, str],
    seconds: float = SECONDS,
) -> web.Application:
    """The application that serves these routes with these parts. `groups` as `Service.groups`; `seconds` bounds a
    handler that doesn't stream. They are described at `/openapi/v1`, for the gateway.

    Raises `Conflict` when two routes have one method and path.
    """
    serving = Serving(parts, verifier, telemetry.log, groups, seconds)
    app = web.Application(
        middlewares=[observe.observed(telemetry, clock), _worded(serving)],
        handler_args={
            "max_line_size": LARGEST_LINE,
            "max_field_size": LARGEST_LINE,
            "lingering_time": 2.0,
            "auto_decompress": False,  # a signed digest is that of the bytes on the wire
        },
        client_max_size=MIB,
    )
    app[PARTS] = parts
    health.Health(checks, telemetry.registry, clock).add_to(app)
    taken: set[tuple[str, str]] = set()
    for route in (*routes, openapi.served(verifier.audience, routes)):
        if (route.method, route.path) in taken:
            raise Conflict("route-taken", f"{route.method} {route.path} is served by two routes")
        taken.add((route.method, route.path))
        app.router.add_route(route.method, route.path, _served(route, serving))
    return app


def _served(route: Route, serving: Serving) -> Handler:
    """The route's handler behind its identity and under its limits."""

    async def serve(request: web.Request) -> web.StreamResponse:
        request[reading.ROUTE] = route
        if route.max_body != MIB:
            request = request.clone(client_max_size=max(1, route.max_body))  # 0 would be no bound at all
        _check_body(request, route)
        await _identify(request, route, serving)
        answer = await _within(serving.seconds, route.handler(request, serving.parts), streams=route.streams)
        _name_told(answer, current_cause())
        return answer

    return serve


def _check_body(request: web.Request, route: Route) -> None:
    """Refuse what says of itself that it is too large, or isn't sent plainly (RFC 9110, 8.4)."""
    if (request.content_length or 0) > route.max_body:
        raise reading.too_large(route.max_body)
    if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", *route.packed):
        raise Unsupported("content-encoding", "the body is compressed: send it as it is, without Content-Encoding")


async def _within(seconds: float, work: Awaitable[web.StreamResponse], *, streams: bool) -> web.StreamResponse:
    """The work's answer; raises `Busy` when it takes longer."""
    try:
        async with asyncio.timeout(None if streams else seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise Busy("too-slow", f"this took longer than the {seconds:g} s that it may", retry_after=1) from None


async def _identify(request: web.Request, route: Route, serving: Serving) -> None:
    """Note in the request and in its cause whom the gateway says it is; raises `Unauthenticated` or `Denied`."""
    header = request.headers.get(identity.HEADER, "")
    if route.forwarded:
        who = serving.verifier.forwarded(header)
    else:
        who, digest = serving.verifier.verify(header, request.method, request.raw_path)
        if digest:
            await _check_digest(request, digest, serving.seconds)
        _admit(route, who)
    _note(request, who)


def _admit(route: Route, who: Identity) -> None:
    """Raise `Denied` where services ask what is for users, or users what is for services."""
    if route.access is Access.GATEWAY and who.user != GATEWAY:
        raise Denied("internal", "this is for the gateway alone")
    if route.access is Access.INTERNAL and who.user != GATEWAY and not who.service:
        raise Denied("internal", "this is for the gateway and the services alone")
    if who.service and route.access is not Access.INTERNAL:
        raise Denied("internal", "a service asks in its own name at internal routes alone")


def _note(request: web.Request, who: Identity) -> None:
    request[identity.IDENTITY] = who
    cause = current_cause()
    cause.actor, cause.correlation = who.user, who.request_id


async def _check_digest(request: web.Request, digest: str, seconds: float) -> None:
    """Raise `Unauthenticated` when the body isn't the one that was signed, `Busy` when it doesn't come."""
    try:
        async with asyncio.timeout(seconds):
            body = await reading.raw_body(request)
    except TimeoutError:
        raise Busy("body-slow", f"the body has not come within {seconds:g} s", retry_after=1) from None
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), digest):
        raise Unauthenticated("identity-body", "the body is not the one that the identity covers")


def _name_told(answer: web.StreamResponse, cause: Cause) -> None:
    """Name the events that the handler's commits have told, for the gateway to wait for."""
    if cause.told and not answer.prepared:
        answer.headers[identity.TOLD] = ", ".join(f"{told.name}={told.id}" for told in cause.told[-MOST_TOLD:])


def _worded(serving: Serving) -> Any:
    """The middleware that turns faults, refusals of the router and mistakes into answers."""

    @web.middleware
    async def word(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Fault as fault:
            return _refusal(request, fault, serving)
        except web.HTTPException as refusal:
            if refusal.status < HTTPStatus.BAD_REQUEST:
                raise  # a redirect
            return _missed(request, refusal, serving)
        except ConnectionError as lost:
            if _gone(request):
                raise  # the client has left, and hears nothing
            return _mistake(request, lost, serving)
        except Exception as mistake:  # noqa: BLE001  # a handler may err in any way, and its client gets an answer
            return _mistake(request, mistake, serving)

    return word


def _mistake(request: web.Request, mistake: Exception, serving: Serving) -> web.StreamResponse:
    """What nobody foresaw: all of it goes to the log, nothing to the client."""
    serving.log.error("unexpected", route=observe.route_of(request), exc_info=mistake)
    return _refusal(request, Broken("unexpected", faults.INTERNAL), serving)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _dialect(request: web.Request) -> Dialect:
    route: Route | None = request.get(reading.ROUTE)
    return (route and route.dialect) or faults.dialect_of(request.path)


def _refusal(request: web.Request, fault: Fault, serving: Serving) -> web.StreamResponse:
    """The fault as an answer; where an answer is under way already, the connection ends, since no other can follow."""
    answer = faults.answer(fault, _dialect(request), serving.groups)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = repr(fault.__cause__) if fault.__cause__ else ""
        serving.log.warning("fault", route=observe.route_of(request), slug=fault.slug, text=fault.text, cause=cause)
    if request.writer.output_size > 0:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError(f"the answer broke off: {fault.slug}")
    _name_told(answer, current_cause())
    return answer


def _missed(request: web.Request, refusal: web.HTTPException, serving: Serving) -> web.StreamResponse:
    """The router's refusal, or aiohttp's own of a body, in the dialect of the path."""
    if isinstance(refusal, web.HTTPRequestEntityTooLarge):
        route: Route | None = request.get(reading.ROUTE)
        return _refusal(request, reading.too_large(route.max_body if route else MIB), serving)
    if refusal.status not in faults.MISSES:
        return _refusal(request, Malformed("bad-request", refusal.reason), serving)
    answer = faults.miss(refusal.status, _dialect(request), request.path)
    if "Allow" in refusal.headers:
        answer.headers["Allow"] = refusal.headers["Allow"]
    return answer
