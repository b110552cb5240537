"""OTLP's JSON form (ExportTraceServiceRequest) -> spans. What is no span is refused, all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from libs.shared.errors import Malformed
from services.mesh.domain.span import LONGEST, MOST_TAGS, Moment, Process, Span, Tag

MICRO = 1000
"""Nanoseconds of a microsecond."""
KINDS: Mapping[int, str] = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR = 2
MOST_LOGS = 128
_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN = re.compile(r"(?!0{16})[0-9a-f]{16}")


def spans(body: Any) -> list[Span]:
    """The spans of a request; raises `Malformed` naming what can't be read."""
    try:
        return list(_spans(body))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("otlp-unreadable", "the body is no ExportTraceServiceRequest of OTLP in JSON") from error


def _spans(body: Any) -> Iterator[Span]:
    for resource in body.get("resourceSpans") or ():
        process = _process(resource.get("resource") or {})
        for scope in resource.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                yield _span(span, process)


def _process(resource: Mapping[str, Any]) -> Process:
    """The service's name, with its namespace as Istio's proxies have it."""
    tags = dict(_tags(resource.get("attributes")))
    name = str(tags.pop("service.name", "") or "unknown")
    namespace = str(tags.get("k8s.namespace.name") or "")
    if namespace and not name.endswith(f".{namespace}"):
        name = f"{name}.{namespace}"
    return Process(name[:LONGEST], tuple(tags.items()))


def _span(told: Mapping[str, Any], process: Process) -> Span:
    trace, own, parent = (str(told.get(key) or "").lower() for key in ("traceId", "spanId", "parentSpanId"))
    if not _TRACE.fullmatch(trace) or not _SPAN.fullmatch(own) or (parent and not _SPAN.fullmatch(parent)):
        raise Malformed("otlp-ids", "a span needs a traceId of 32 and a spanId of 16 hexadecimal digits, not all zero")
    start, end = int(told["startTimeUnixNano"]), int(told.get("endTimeUnixNano") or 0)
    tags = [*_tags(told.get("attributes"))]
    if kind := KINDS.get(told.get("kind") or 0):
        tags.append(("span.kind", kind))
    status = told.get("status") or {}
    if status.get("code") == ERROR:
        tags.append(("error", True))
        if message := status.get("message"):
            tags.append(("otel.status_description", str(message)[:LONGEST]))
    return Span(
        trace=trace,
        id=own,
        parent=parent,
        operation=str(told.get("name") or "")[:LONGEST],
        process=process,
        start=start // MICRO,
        duration=max(end - start, 0) // MICRO,
        tags=tuple(tags),
        logs=tuple(_logs(told.get("events"))),
    )


def _logs(events: Any) -> Iterator[Moment]:
    for event in (events or ())[:MOST_LOGS]:
        fields = (("event", str(event.get("name") or "")[:LONGEST]), *_tags(event.get("attributes")))
        yield Moment(int(event.get("timeUnixNano") or 0) // MICRO, fields)


def _tags(attributes: Any) -> Iterator[Tag]:
    for one in (attributes or ())[:MOST_TAGS]:
        yield str(one["key"])[:LONGEST], _value(one.get("value") or {})


def _value(value: Mapping[str, Any]) -> Any:
    """A text, a number or a boolean; what is nested is told as text."""
    match value:
        case {"stringValue": text}:
            return str(text)[:LONGEST]
        case {"boolValue": truth}:
            return bool(truth)
        case {"intValue": number}:
            return int(number)
        case {"doubleValue": number}:
            return float(number)
        case {"arrayValue": {"values": list(values)}}:
            return str([_value(one) for one in values[:MOST_TAGS]])[:LONGEST]
        case _:
            return str(dict(value))[:LONGEST] if value else ""
