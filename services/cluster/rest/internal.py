"""What other services ask: every fact as an event, and objects as monitoring looks at them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from aiohttp import web

from libs.shared.errors import Invalid
from libs.shared.http.route import Access, Route
from services.cluster.domain.resource import RESOURCES
from services.cluster.parts import Parts
from services.cluster.queries import objects as queries
from services.cluster.queries.index import index
from services.cluster.shapes.slim import slim

NDJSON = "application/x-ndjson"
BATCH = 64 << 10
"""Bytes that are gathered before they are sent."""


async def stream_index(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Facts as NDJSON, an event a line: `{"type", "subject", "version", "data"}`; the last is `{"end", "count"}`."""
    return await _stream(request, _facts(parts))


async def stream_objects(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Objects as NDJSON: `{"kind", "namespace", "name", "uid", "labels", "ownerReferences", "spec", "status", …}`, of
    the kinds that `resource` names (it may stand several times); the last line is `{"end", "count"}`.
    """
    asked = request.query.getall("resource", [])
    unknown = [plural for plural in asked if plural not in RESOURCES or not RESOURCES[plural].kept]
    if unknown or not asked:
        accepted = ", ".join(sorted(plural for plural, known in RESOURCES.items() if known.kept))
        raise Invalid("resource-unknown", f"resource names none, or {unknown}; accepted are {accepted}")
    return await _stream(request, _objects(asked, parts))


async def _facts(parts: Parts) -> AsyncIterator[bytes]:
    async for subject, version, event in index(parts.store):
        head = {"type": event.full_type(), "subject": subject, "version": version}
        yield orjson.dumps(head)[:-1] + b',"data":' + event.model_dump_json().encode() + b"}"


async def _objects(asked: list[str], parts: Parts) -> AsyncIterator[bytes]:
    for plural in dict.fromkeys(asked):
        for found in await queries.objects(parts.shelf, parts.kube, RESOURCES[plural]):
            yield orjson.dumps(slim(RESOURCES[plural], found))


async def _stream(request: web.Request, lines: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    count, gathered = 0, bytearray()
    async for line in lines:
        count += 1
        gathered += line + b"\n"
        if len(gathered) >= BATCH:
            await response.write(bytes(gathered))
            gathered.clear()
    gathered += orjson.dumps({"end": True, "count": count}) + b"\n"
    await response.write(bytes(gathered))
    await response.write_eof()
    return response


ROUTES = (
    Route("GET", "/internal/cluster/v1/index", stream_index, access=Access.INTERNAL, streams=True, media=NDJSON),
    Route(
        "GET",
        "/internal/cluster/v1/objects",
        stream_objects,
        access=Access.INTERNAL,
        streams=True,
        media=NDJSON,
        parameters=(("resource", "plural of a kind, such as pods; several times for several"),),
    ),
)
