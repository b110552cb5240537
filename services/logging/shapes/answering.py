"""Answers in KubeSphere's shapes: the key of the operation alone; null, or nothing, where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel

from services.logging.domain.entry import Found


class LogsShape(BaseModel):
    """One of these, by the operation."""

    query: dict[str, Any] | None = None
    statistics: dict[str, int] | None = None
    histogram: dict[str, Any] | None = None


class EventsShape(LogsShape):
    """One of these, by the operation."""


def logs_page(found: Found) -> bytes:
    """Without lines there is no `records`."""
    records = {"records": [orjson.Fragment(body) for body in found.bodies]} if found.bodies else {}
    return orjson.dumps({"query": {"total": found.total, **records}})


def documents_page(found: Found, *, keeps_total: bool) -> bytes:
    """Without documents `records` is null; events then forget their total as well, audit records don't."""
    records = [orjson.Fragment(body) for body in found.bodies] or None
    total = found.total if records or keeps_total else 0
    return orjson.dumps({"query": {"total": total, "records": records}})


def statistics(sources: int, total: int, *, of: str, them: str) -> bytes:
    """Two numbers: `resources` and `events`, or `containers` and `logs`."""
    return orjson.dumps({"statistics": {of: sources, them: total}})


def histogram(counts: Sequence[tuple[int, int]], *, key: str) -> bytes:
    """Buckets with their begin in milliseconds."""
    found = [{"time": at, "count": count} for at, count in counts] or None
    return orjson.dumps({"histogram": {"total": sum(count for _, count in counts), key: found}})
