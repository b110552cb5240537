"""Traces: taken by OTLP over HTTP, looked at as Jaeger has them."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from typing import Any

from aiohttp import web

from libs.shared.errors import Malformed, TooLarge, Unsupported
from libs.shared.http.reading import raw_body
from libs.shared.http.route import MIB, Access, Route
from libs.shared.objects.documents import read_json
from services.mesh.clients import otlp as protobuf
from services.mesh.domain.span import Span
from services.mesh.parts import Parts
from services.mesh.shapes import jaeger, otlp

LARGEST = 4 * MIB
"""Bytes of a body, packed or not."""
JSON, PROTOBUF = "application/json", "application/x-protobuf"
JAEGER = "/kapis/mesh.orrery.io/v1/jaeger/api"


async def take(request: web.Request, parts: Parts) -> web.Response:
    """Take the spans of an OTLP request, protobuf or JSON; `POST /v1/traces` of the specification."""
    if request.content_type not in (JSON, PROTOBUF):
        raise Unsupported("otlp-media", f"{request.content_type} should be {PROTOBUF} or {JSON}")
    raw, packed = await raw_body(request), request.headers.get("Content-Encoding", "").lower() == "gzip"
    found = await asyncio.to_thread(read, raw, packed=packed, binary=request.content_type == PROTOBUF)
    parts.traces.add(found, parts.clock.monotonic())
    body = b"" if request.content_type == PROTOBUF else b"{}"
    return web.Response(body=body, content_type=request.content_type)


async def take_own(request: web.Request, parts: Parts) -> web.Response:
    """Take the spans of another service of the suite."""
    raw = await raw_body(request)
    parts.traces.add(await asyncio.to_thread(read, raw), parts.clock.monotonic())
    return web.json_response({})


def read(raw: bytes, *, packed: bool = False, binary: bool = False) -> list[Span]:
    """The spans of a body; raises `Malformed` and `TooLarge`."""
    whole = unpacked(raw) if packed else raw
    return otlp.spans(protobuf.read(whole) if binary else read_json(whole))


def unpacked(raw: bytes) -> bytes:
    """What was packed by gzip, within the bound. Raises `Malformed` and `TooLarge`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            whole = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed("otlp-unreadable", "the body is not packed by gzip, as its Content-Encoding says") from error
    if len(whole) > LARGEST:
        raise TooLarge("otlp-too-large", f"the unpacked body has more than {LARGEST} bytes")
    return whole


async def list_services(_: web.Request, parts: Parts) -> web.Response:
    """Who made spans."""
    found = parts.traces.services(parts.clock.monotonic())
    return web.json_response(jaeger.envelope(found, len(found)))


async def list_operations(request: web.Request, parts: Parts) -> web.Response:
    """What a service was seen to do."""
    found = parts.traces.operations(request.match_info["service"], parts.clock.monotonic())
    return web.json_response(jaeger.envelope(found, len(found)))


async def find_traces(request: web.Request, parts: Parts) -> web.Response:
    """Traces of the service that `service` names, the newest first."""
    return _found(parts.traces.find(jaeger.wanted(request.query), parts.clock.monotonic()))


async def get_trace(request: web.Request, parts: Parts) -> web.Response:
    """One trace."""
    spans = parts.traces.one(request.match_info["trace"].lower(), parts.clock.monotonic())
    if not spans:
        return web.json_response(jaeger.missing(), status=404)
    return _found([spans])


async def find_traces_of_service(request: web.Request, parts: Parts) -> web.Response:
    """Traces of a service of a namespace; of each what happened in that namespace, whatever the query says."""
    namespace = request.match_info["namespace"]
    wanted = jaeger.wanted(request.query, f"{request.match_info['service']}.{namespace}")
    found = parts.traces.find(wanted, parts.clock.monotonic())
    return _found([[span for span in spans if span.process.within(namespace)] for spans in found])


def _found(traces: list[list[Span]]) -> web.Response:
    data: list[dict[str, Any]] = [jaeger.trace(spans) for spans in traces]
    return web.json_response(jaeger.envelope(data))


ROUTES = (
    Route("POST", "/kapis/mesh.orrery.io/v1/otlp/v1/traces", take, max_body=LARGEST, packed=("gzip",)),
    Route("POST", "/internal/mesh/v1/spans", take_own, access=Access.INTERNAL, max_body=LARGEST),
    Route("GET", f"{JAEGER}/services", list_services),
    Route("GET", f"{JAEGER}/services/{{service}}/operations", list_operations),
    Route("GET", f"{JAEGER}/traces", find_traces),
    Route("GET", f"{JAEGER}/traces/{{trace}}", get_trace, refusal=jaeger.RefusalShape),
    Route(
        "GET",
        "/kapis/servicemesh.kubesphere.io/v1alpha2/namespaces/{namespace}/services/{service}/traces",
        find_traces_of_service,
    ),
)
