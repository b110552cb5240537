"""The application that faces clients: every path comes in here, is read, authenticated, decided, audited, forwarded."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from time import perf_counter
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry.trace import SpanKind

from libs.shared.errors import Busy, Denied, Fault, Malformed, Unauthenticated, Unsupported
from libs.shared.http.faults import METHOD_REFUSED, answer, dialect_of
from libs.shared.http.limits import LIMITS, Limits
from libs.shared.http.route import Dialect
from libs.shared.telemetry.traces import span
from services.gateway import shapes
from services.gateway.domain.attributes import read_attributes
from services.gateway.domain.audit import Decision
from services.gateway.domain.caller import ANONYMOUS, NOBODY
from services.gateway.domain.cluster import CLUSTER, decided_by, forwarded, local, watched
from services.gateway.domain.credentials import OAUTH_OF_THE_SIGNED_IN, Nothing, read_credentials
from services.gateway.domain.decision import open_to_all
from services.gateway.domain.path import read_path
from services.gateway.domain.refusal import forbidden
from services.gateway.parts import Parts
from services.gateway.queries.authentication import authenticate
from services.gateway.rest.admission import permitted, require_fresh
from services.gateway.rest.forwarding import forward
from services.gateway.rest.misses import missed
from services.gateway.rest.passing import pass_on
from services.gateway.rest.visit import Visit, visit
from services.gateway.settings import GatewaySettings

CLOSED = 499
"""Recorded for a client that left before its answer, as nginx does."""
LARGEST_LINE = 16 << 10
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
ASCII = "".join(map(chr, range(0x21, 0x7F)))


def public(parts: Parts) -> web.Application:
    """What hosting serves on the suite's own listeners."""
    application = web.Application(
        handler_args={
            "max_line_size": LARGEST_LINE,
            "max_field_size": LARGEST_LINE,
            "lingering_time": 2.0,
            "auto_decompress": False,  # a body goes on as it came, and its length is that of the wire
        },
        client_max_size=0,
        middlewares=[web.middleware(partial(_pathless, parts=parts))],
    )
    application[LIMITS] = _limits(parts.settings)
    application.on_response_prepare.append(_unnamed)
    application.on_shutdown.append(partial(_end_streams, parts=parts))
    application.router.add_route("*", r"/{path:[\s\S]*}", partial(receive, parts=parts))
    application.router.add_route("*", "/", partial(receive, parts=parts))
    return application


def _limits(settings: GatewaySettings) -> Limits:
    """What clients may hold of the listeners."""
    return Limits(
        head=settings.head_timeout,
        handshake=settings.head_timeout,
        idle=settings.idle_timeout,
        stall=settings.stall_timeout,
        connections=settings.connections,
        per_address=settings.connections_per_address,
        exempt=settings.proxies,
    )


async def _pathless(request: web.Request, handler: Handler, parts: Parts) -> web.StreamResponse:
    """What names no path, as `CONNECT host:443` and `OPTIONS *`, comes in as everything else does."""
    return await (handler(request) if request.path.startswith("/") else receive(request, parts))


async def _unnamed(_request: web.Request, response: web.StreamResponse) -> None:
    """The software and its version are nobody's business."""
    response.headers.pop("Server", None)


async def _end_streams(_application: web.Application, parts: Parts) -> None:
    """Whatever lasts ends in its own way before the rest is waited for."""
    parts.memory.streams.cut_all("shutting down")


async def receive(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Answer one request, whatever it is. `/healthz` says that the process answers, to whoever asks."""
    if request.raw_path == "/healthz" and request.method in ("GET", "HEAD"):
        return web.Response(text="ok")
    parent = request.headers.get("traceparent", "")
    with span(parts.journal.tracer, f"gateway {request.method}", kind=SpanKind.SERVER, parent=parent) as running:
        asked, code = visit(request, parts), CLOSED
        try:
            response = await _answered(asked)
            code = response.status
            return response
        finally:
            running.set_attribute("http.response.status_code", code)
            parts.journal.decisions.labels(asked.decision.value).inc()
            asked.record(code)


async def _answered(asked: Visit) -> web.StreamResponse:
    try:
        _read(asked)
        await _authenticate(asked)
        _decide(asked)
        if asked.match is None:
            return missed(asked)
        if asked.changing and asked.caller.user != ANONYMOUS:
            await asked.parts.trail.take_room()
            asked.taken = True
    except Fault as fault:
        return shapes.refusal(fault, asked.asked)
    try:
        return await (forward(asked) if asked.route.service == CLUSTER else pass_on(asked))
    except Fault as fault:
        dialect = asked.route.dialect
        groups = {asked.asked.resource: asked.asked.group}
        return answer(fault, Dialect(dialect) if dialect else dialect_of(asked.route.path), groups)


def _read(asked: Visit) -> None:
    """Method, path and query. Raises `Malformed` for what can be read in two ways."""
    raw, _, query = asked.request.raw_path.partition("?")
    if asked.request.method not in METHODS:
        raise Unsupported(METHOD_REFUSED, f"the method {asked.request.method[:16]} is not served")
    if "#" in query:
        raise Malformed("query-fragment", "the query holds a fragment")
    method, table, path = asked.request.method, asked.parts.behind.table, read_path(raw)
    asked.query = quote(query, safe=ASCII, errors="surrogateescape")
    asked.asked = read_attributes(method, path, asked.query)
    asked.path = local(path, table)
    asked.match = table.find(method, asked.path.segments)
    if asked.match is None and not table.methods(asked.path.segments):
        asked.match = forwarded(method, asked.path, asked.asked, asked.query, table)
        if asked.match is not None:
            asked.path, asked.query = watched(asked.path, asked.asked, asked.query)
            asked.asked = decided_by(asked.asked)


async def _authenticate(asked: Visit) -> None:
    """Sets the caller. On an open path credentials count only while they can be judged."""
    parts, path = asked.parts, asked.asked.path
    try:
        offered = read_credentials(asked.request.headers.get("Authorization", ""), path)
        if isinstance(offered, Nothing):
            return
        require_fresh(parts)
        asked.caller = await authenticate(
            offered,
            asked.peer,
            index=parts.memory.index,
            tokens=parts.memory.tokens,
            passwords=parts.memory.passwords,
            accounts=parts.behind.accounts,
            issuer=parts.settings.issuer,
            clock=parts.clock,
            skew=timedelta(seconds=parts.settings.skew),
        )
    except Unauthenticated:
        asked.decision = Decision.UNAUTHENTICATED
        raise
    except Busy:
        if not open_to_all(path) or path in OAUTH_OF_THE_SIGNED_IN:
            raise
        asked.caller = NOBODY


def _decide(asked: Visit) -> None:
    """Raises `Denied` with the original's sentence, or `Busy` while the index can't be believed."""
    began = perf_counter()
    passes = permitted(asked)
    asked.parts.journal.deciding.observe(perf_counter() - began)
    if not passes:
        asked.decision = Decision.DENIED
        raise Denied("forbidden", forbidden(asked.caller.user, asked.asked))
    asked.decision = Decision.ALLOWED
