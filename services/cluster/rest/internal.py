"""What other services ask: every fact as an event, and whether a change is known here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from libs.shared.bell import Bell
from libs.shared.errors import Missing
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, Route
from services.cluster.domain.resource import RESOURCES, TOLD, JsonObject, revision
from services.cluster.domain.shelf import Key
from services.cluster.parts import Parts
from services.cluster.queries.index import index

NDJSON = "application/x-ndjson"
BATCH = 64 << 10
"""Bytes that are gathered before they are sent."""
SECONDS = 1.0
"""How long a change is waited for."""


class ChangedShape(BaseModel):
    """What was changed; the namespace is empty for what lies in none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = ""
    resource: str = Field(description="plural of its kind, such as pods")
    namespace: str = ""
    name: str


class SeenShape(BaseModel):
    """Whether lists know of it."""

    seen: bool


async def stream_index(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Facts as NDJSON, an event a line: `{"type", "subject", "version", "data"}`; the last is `{"end", "count"}`."""
    return await _stream(request, _facts(parts))


async def see_change(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Return when this copy's memory holds an object as it stands in the cluster now: whoever has just written it is
    answered when the next list has it. The answer names the events that told of it; `seen` is false where that took
    too long.
    """
    asked = await strict(request, ChangedShape)
    known, key = RESOURCES.get(asked.resource), Key(asked.resource, asked.namespace, asked.name)
    if known is None or known.group != asked.group or not known.kept or not parts.shelf.stands(known.plural):
        return web.json_response({"seen": True})  # lists of it come from the cluster itself
    try:
        now = await parts.kube.get(known.path(asked.namespace, asked.name))
    except Missing:
        now = None
    seen = await _reached(key, now, parts)
    if known in TOLD:
        await parts.work.facts.name(key)
    return web.json_response({"seen": seen})


async def _reached(key: Key, now: JsonObject | None, parts: Parts) -> bool:
    bell = Bell(parts.clock)
    until = parts.clock.monotonic() + SECONDS
    with parts.shelf.heard(frozenset({key.plural}), bell.ring):
        while not _as_new(parts.shelf.get(key), now):
            if (left := until - parts.clock.monotonic()) <= 0:
                return False
            await bell.wait(left)
    return True


def _as_new(held: JsonObject | None, now: JsonObject | None) -> bool:
    """Whether what is held is as new as what stands, or gone with it."""
    if held is None or now is None:
        return held is now
    return revision(held) >= revision(now)


async def _facts(parts: Parts) -> AsyncIterator[bytes]:
    async for subject, version, event in index(parts.store):
        head = {"type": event.full_type(), "subject": subject, "version": version}
        yield orjson.dumps(head)[:-1] + b',"data":' + event.model_dump_json().encode() + b"}"


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
        "POST",
        "/internal/cluster/v1/seen",
        see_change,
        access=Access.INTERNAL,
        body=ChangedShape,
        answer=SeenShape,
    ),
)
