"""What the gateway asks: projects, roles and bindings, which it decides by."""

from __future__ import annotations

import orjson
from aiohttp import web

from libs.shared.http.route import Access, Route
from services.devops.parts import Parts
from services.devops.queries.index import index

NDJSON = "application/x-ndjson"
BATCH = 64 << 10
"""Bytes that are gathered before they are sent."""


async def stream_index(request: web.Request, parts: Parts) -> web.StreamResponse:
    """State as NDJSON, an event a line: `{"type", "subject", "version", "data"}`; the last is `{"end", "count"}`."""
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    count, gathered = 0, bytearray()
    async for subject, version, event in index(parts.store):
        count += 1
        head = {"type": event.full_type(), "subject": subject, "version": version}
        gathered += orjson.dumps(head)[:-1] + b',"data":' + event.model_dump_json().encode() + b"}\n"
        if len(gathered) >= BATCH:
            await response.write(bytes(gathered))
            gathered.clear()
    gathered += orjson.dumps({"end": True, "count": count}) + b"\n"
    await response.write(bytes(gathered))
    await response.write_eof()
    return response


ROUTES = (Route("GET", "/internal/devops/v1/index", stream_index, access=Access.INTERNAL, streams=True, media=NDJSON),)
