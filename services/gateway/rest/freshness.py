"""A write to the cluster is answered when lists of the cluster's objects have it: they come from the memory of the
service that follows it.
"""

from __future__ import annotations

import asyncio
from typing import Final

import orjson

from libs.shared.errors import Fault
from services.gateway.rest.visit import Visit

FOLLOWER: Final = "cluster"
SEEN: Final = "/internal/cluster/v1/seen"
WRITES: Final = frozenset({"create", "update", "patch", "delete"})


async def listed(asked: Visit, body: bytes | None) -> None:
    """Return when the lists know what the caller has just written, or soon after: nobody's write fails by it. `body` is
    what was sent, where it is small: a new object is named there.
    """
    about = asked.asked
    name = about.name or _named(body)
    if about.verb not in WRITES or not name:
        return
    changed = {"group": about.group, "resource": about.resource, "namespace": about.namespace, "name": name}
    try:
        async with asyncio.timeout(asked.parts.settings.hold):
            await asked.parts.behind.services.ask(FOLLOWER, "POST", SEEN, changed)
    except (Fault, TimeoutError):
        return


def _named(body: bytes | None) -> str:
    try:
        found = orjson.loads(body or b"")["metadata"]["name"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
