"""Jaeger's query API: traces and names as its UI, and KubeSphere's console, read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel

from libs.shared.errors import Malformed
from services.mesh.domain.span import Process, Span, Tag, Wanted

MOST = 200
"""Traces of one answer."""
JsonObject = dict[str, Any]
UNITS: Mapping[str, float] = {"ns": 1e-3, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
"""Microseconds of each unit of a duration as Go writes it."""
LONGEST_NUMBER = 20


class ErrorShape(BaseModel):
    """One thing that went wrong."""

    code: int
    msg: str


class RefusalShape(BaseModel):
    """An answer without data."""

    data: None
    total: int
    limit: int
    offset: int
    errors: list[ErrorShape]


def envelope(data: Sequence[Any], total: int = 0) -> JsonObject:
    """What every answer is wrapped in."""
    return {"data": list(data), "total": total, "limit": 0, "offset": 0, "errors": None}


def missing() -> JsonObject:
    """The answer for a trace that there is not."""
    text = "trace not found"
    return {"data": None, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": 404, "msg": text}]}


def trace(spans: Sequence[Span]) -> JsonObject:
    """One trace: its spans, and each process once."""
    names: dict[Process, str] = {}
    for span in spans:
        names.setdefault(span.process, f"p{len(names) + 1}")
    return {
        "traceID": spans[0].trace,
        "spans": [_span(span, names[span.process]) for span in spans],
        "processes": {
            name: {"serviceName": process.name, "tags": [_tag(tag) for tag in process.tags]}
            for process, name in names.items()
        },
        "warnings": None,
    }


def wanted(query: Mapping[str, str], service: str = "") -> Wanted:
    """What is looked for. Raises `Malformed` for a parameter that can't be read, and where no service is named."""
    named = service or query.get("service", "")
    if not named:
        raise Malformed("traces-service", "parameter 'service' is required")
    return Wanted(
        service=named,
        operation=query.get("operation", "") if query.get("operation") != "all" else "",
        start=_number(query, "start", 0),
        end=_number(query, "end", 0),
        shortest=_duration(query, "minDuration"),
        longest=_duration(query, "maxDuration"),
        tags=tuple(_wanted_tags(query.get("tags", ""))),
        limit=min(_number(query, "limit", 10 if service else 20), MOST),
    )


def _span(span: Span, process: str) -> JsonObject:
    parent = {"refType": "CHILD_OF", "traceID": span.trace, "spanID": span.parent}
    return {
        "traceID": span.trace,
        "spanID": span.id,
        "flags": 1,
        "operationName": span.operation,
        "references": [parent] if span.parent else [],
        "startTime": span.start,
        "duration": span.duration,
        "tags": [_tag(tag) for tag in span.tags],
        "logs": [{"timestamp": log.at, "fields": [_tag(tag) for tag in log.fields]} for log in span.logs],
        "processID": process,
        "warnings": None,
    }


def _tag(tag: Tag) -> JsonObject:
    key, value = tag
    match value:
        case bool():
            kind = "bool"
        case int():
            kind = "int64"
        case float():
            kind = "float64"
        case _:
            kind = "string"
    return {"key": key, "type": kind, "value": value}


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, "")
    if not text:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
        raise Malformed("traces-parameter", f"parameter '{name}' should be a whole number")
    return int(text)


def _duration(query: Mapping[str, str], name: str) -> int:
    """Microseconds of a duration such as `1.2ms`."""
    text = query.get(name, "")
    if not text:
        return 0
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzµ")
    unit = text[len(number) :]
    if (
        unit in UNITS
        and 0 < len(number) <= LONGEST_NUMBER
        and number.isascii()
        and number.replace(".", "", 1).isdigit()
    ):
        return int(float(number) * UNITS[unit])
    raise Malformed("traces-parameter", f"parameter '{name}' should be a duration such as 1.2ms, 10us or 3s")


def _wanted_tags(text: str) -> list[tuple[str, str]]:
    if not text:
        return []
    try:
        found = orjson.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Malformed("traces-parameter", "parameter 'tags' should be a JSON object of texts")
    return list(found.items())
