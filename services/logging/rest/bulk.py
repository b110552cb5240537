"""`/kapis/logging.orrery.io/v1/es`: documents in Elasticsearch's bulk form, from Fluent Bit, rsyslog and the like; for
platform administrators (the path's own permission), with a bearer token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import web

from libs.shared.http.reading import raw_body
from libs.shared.http.route import MIB, Route
from services.logging.domain.entry import LOGS, Kept, Kind
from services.logging.parts import Parts
from services.logging.shapes import bulk

ROOT = "/kapis/logging.orrery.io/v1/es"
LARGEST = 16 * MIB
"""Bytes of a body, packed or not."""
PACKED = ("gzip",)
VERSION: Mapping[str, str] = {"number": "7.10.2", "build_flavor": "orrery"}


async def take(request: web.Request, parts: Parts) -> web.Response:
    """Keep the documents of a bulk request (actions index and create), and answer when they are on disk. Each goes
    under the day of its own time; one with an `_id` that stands replaces it.
    """
    began = parts.clock.monotonic()
    raw, encoding = await raw_body(request), request.headers.get("Content-Encoding", "").strip().lower()
    index = request.match_info.get("index", "")
    items = await asyncio.to_thread(read, raw, encoding, index, parts)
    await keep(items, parts)
    told = bulk.outcome(items, parts.clock.monotonic() - began)
    return web.Response(body=told, content_type="application/json")


def read(raw: bytes, encoding: str, index: str, parts: Parts) -> list[bulk.Item]:
    """The actions of the body."""
    return bulk.items(bulk.inflated(raw, encoding, LARGEST), index, parts.sources.ids)


async def keep(items: Sequence[bulk.Item], parts: Parts) -> None:
    """Keep what can be, and note in each item what became of it."""
    groups: dict[str, tuple[Kind, list[bulk.Item]]] = {}
    for item in items:
        if item.kind is not None and item.entry is not None:
            groups.setdefault(item.kind.name, (item.kind, []))[1].append(item)
    kept = await asyncio.gather(*(keep_kind(kind, found, parts) for kind, found in groups.values()))
    for (kind, found), told in zip(groups.values(), kept, strict=True):
        for item, one in zip(found, told, strict=True):
            item.kept = one
        parts.journal.kept(kind.name, len(found))


async def keep_kind(kind: Kind, items: Sequence[bulk.Item], parts: Parts) -> list[Kept]:
    """Keep documents of one kind where such documents are kept."""
    where = parts.keeping.logs if kind is LOGS else parts.keeping.index
    return await where.keep(kind, [item.entry for item in items if item.entry is not None])


async def about(_: web.Request, parts: Parts) -> web.Response:
    """What a client asks first: that this understands Elasticsearch's bulk request, in the form of version 7."""
    await parts.keeping.logs.ready()
    return web.json_response({"name": "orrery", "cluster_name": "orrery", "version": dict(VERSION)})


async def health(_: web.Request, parts: Parts) -> web.Response:
    """Whether documents are taken, as rsyslog asks."""
    await parts.keeping.logs.ready()
    return web.Response(text=f"{int(parts.clock().timestamp())} {parts.clock():%H:%M:%S} orrery green\n")


ROUTES = tuple(
    Route(method, ROOT + path, handler, max_body=size, packed=PACKED)
    for method, path, handler, size in (
        ("POST", "/_bulk", take, LARGEST),
        ("PUT", "/_bulk", take, LARGEST),
        ("POST", "/{index}/_bulk", take, LARGEST),
        ("PUT", "/{index}/_bulk", take, LARGEST),
        ("GET", "", about, MIB),
        ("GET", "/", about, MIB),
        ("GET", "/_cat/health", health, MIB),
    )
)
