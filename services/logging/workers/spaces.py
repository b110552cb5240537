"""Which namespaces stand, of which workspace, since when: watched in every process, for what is asked there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from libs.shared.errors import Malformed
from libs.shared.kube.watch import What
from services.logging.domain.entry import moment
from services.logging.domain.space import Space
from services.logging.parts import Parts

NAMESPACES = "/api/v1/namespaces"
WORKSPACE = "kubesphere.io/workspace"


async def watch_spaces(parts: Parts) -> None:
    """Follow them for ever."""
    present: set[str] | None = set()
    async with aclosing(parts.sources.cluster.watch(NAMESPACES)) as changes:
        async for change in changes:
            if change.type is What.SYNCED:
                if present is not None:
                    parts.spaces.keep_only(present)
                    present = None
                continue
            about = change.object["metadata"]
            if change.type is What.DELETED:
                parts.spaces.drop(about["name"])
            elif (space := space_of(about)) is not None:
                parts.spaces.keep(space)
                if present is not None:
                    present.add(space.name)


def space_of(about: Mapping[str, Any]) -> Space | None:
    """A namespace by its metadata; None for one that doesn't say since when it is."""
    try:
        since = moment(about.get("creationTimestamp"), "creationTimestamp")
    except Malformed:
        return None
    return Space(about["name"], (about.get("labels") or {}).get(WORKSPACE, ""), since)
