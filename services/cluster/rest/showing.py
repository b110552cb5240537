"""Lists and objects as answers: what takes long is worked out beside the loop, so that others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from services.cluster.domain.held import plain
from services.cluster.domain.resource import JsonObject

MANY = 1000
"""Objects whose sorting, or writing down, takes a few milliseconds."""


async def paged(
    dialect: Callable[..., dict[str, Any]], found: Sequence[JsonObject], query: Mapping[str, str], **how: Any
) -> dict[str, Any]:
    """One page in a dialect of lists; raises as the dialect does."""
    work = partial(dialect, found, query, **how)
    return await asyncio.to_thread(work) if len(found) > MANY else work()


async def shown(answer: Mapping[str, Any] | Sequence[Any]) -> web.Response:
    """An answer as JSON, with objects as they are held anywhere in it."""
    many = isinstance(answer, Mapping) and len(answer.get("items") or ()) > MANY
    body = await asyncio.to_thread(_written, answer) if many else _written(answer)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def _written(answer: Any) -> bytes:
    return orjson.dumps(answer, default=plain)
