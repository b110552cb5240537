"""What stands, asked of whoever owns it: everything that decisions rest on, source by source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from libs.shared.errors import Broken
from libs.shared.event import Event
from services.gateway.clients.services import Overlong, Services
from services.gateway.domain.changes import CHANGES

EVENTS: Mapping[str, type[Event]] = {event.full_type(): event for event in CHANGES}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing as it stands, told as the event that would make it so."""

    event: Event
    version: int


async def snapshot(services: Services, source: str) -> AsyncIterator[Line | Overlong]:
    """Everything that stands, line by line; what is too long to be read by its beginning.

    Raises `Busy` when the source can't be reached and `Broken` when the answer ends before its last line.
    """
    count = 0
    async for raw in services.lines(source, f"/internal/{source}/v1/index"):
        if isinstance(raw, Overlong):
            count += 1
            yield raw
            continue
        row = _json(raw, source)
        if row.get("end"):
            if row.get("count") != count:
                raise Broken("snapshot-count", f"{source} told {count} things and says that they are others")
            return
        count += 1
        event = EVENTS.get(str(row.get("type")))
        if event is not None and source == event.SERVICE:
            yield Line(_event(event, row, source), int(row.get("version", 0)))
    raise Broken("snapshot-short", f"the snapshot of {source} ended before its last line")


def _json(raw: bytes, source: str) -> dict[str, Any]:
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        raise Broken("snapshot-line", f"the snapshot of {source} holds a line that is no JSON object")
    return row


def _event(kind: type[Event], row: Mapping[str, Any], source: str) -> Event:
    try:
        return kind.model_validate(row.get("data"))
    except ValueError:
        text = f"the snapshot of {source} holds a {kind.__name__} that can't be read"
        raise Broken("snapshot-event", text) from None
