"""Spans: read from OTLP, kept within bounds, found as Jaeger finds them, and each namespace's for itself."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from libs.shared.errors import Malformed, TooLarge
from services.mesh import rest
from services.mesh.domain.span import Process, Span, Wanted
from services.mesh.domain.traces import MOST_SPANS, Traces
from services.mesh.shapes import jaeger, otlp

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c"
SPAN: dict[str, Any] = {
    "traceId": TRACE,
    "spanId": "b7ad6b7169203331",
    "parentSpanId": "a7ad6b7169203331",
    "name": "GET /cart",
    "kind": 2,
    "startTimeUnixNano": "1700000000000001000",
    "endTimeUnixNano": "1700000000002501000",
    "attributes": [
        {"key": "http.status_code", "value": {"intValue": "500"}},
        {"key": "cached", "value": {"boolValue": False}},
        {"key": "parts", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
    ],
    "events": [{"timeUnixNano": "1700000000001001000", "name": "retry", "attributes": []}],
    "status": {"code": 2, "message": "no"},
}


def body(*spans: dict[str, Any], service: str = "web", namespace: str = "shop") -> dict[str, Any]:
    names = {"service.name": service, "k8s.namespace.name": namespace}
    about = [{"key": key, "value": {"stringValue": value}} for key, value in names.items() if value]
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [{"spans": list(spans)}]}]}


def span(trace: str = TRACE, own: int = 1, *, service: str = "web.shop", operation: str = "op", start: int = 0) -> Span:
    return Span(trace, f"{own:016x}", "", operation, Process(service), start, 10)


def test_a_span_is_told_as_jaeger_tells_it() -> None:
    """Names, times in microseconds, tags with their types, logs, its parent and its process."""
    told = jaeger.trace(otlp.spans(body(SPAN)))
    (found,) = told["spans"]
    assert told["processes"]["p1"]["serviceName"] == "web.shop"
    assert (found["startTime"], found["duration"]) == (1700000000000001, 2500)
    assert found["references"] == [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": SPAN["parentSpanId"]}]
    assert {(tag["key"], tag["type"], tag["value"]) for tag in found["tags"]} == {
        ("http.status_code", "int64", 500),
        ("cached", "bool", False),
        ("parts", "string", "['a']"),
        ("span.kind", "string", "server"),
        ("error", "bool", True),
        ("otel.status_description", "string", "no"),
    }
    assert found["logs"][0]["timestamp"] == 1700000000001001


def test_protobuf_and_gzip_say_the_same() -> None:
    """The three forms of a body are read alike."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    for key, value in (("service.name", "web"), ("k8s.namespace.name", "shop")):
        resource.resource.attributes.add(key=key).value.string_value = value
    made = resource.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN["spanId"]), name="GET /cart", kind=2
    )
    made.start_time_unix_nano, made.end_time_unix_nano = 1700000000000001000, 1700000000002501000
    plain = {key: SPAN[key] for key in ("traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano")}
    json = orjson.dumps(body(plain))
    found = rest.read(json)
    assert found == rest.read(request.SerializeToString(), binary=True)
    assert found == rest.read(gzip.compress(json), packed=True)


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        (b"nonsense", {}),
        (b"[]", {}),
        (b'{"resourceSpans": 7}', {}),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}', {}),
        (orjson.dumps(body({**SPAN, "traceId": "0" * 32})), {}),
        (orjson.dumps(body({**SPAN, "spanId": "xyz"})), {}),
        (orjson.dumps(body({**SPAN, "startTimeUnixNano": "soon"})), {}),
        (b"\xff\xff", {"binary": True}),
        (b"no gzip", {"packed": True}),
    ],
)
def test_what_is_no_span_is_refused(raw: bytes, options: dict[str, bool]) -> None:
    """All of a body, with what is wrong."""
    with pytest.raises(Malformed):
        rest.read(raw, **options)


def test_a_body_that_unpacks_to_more_is_refused() -> None:
    """A bomb is not unpacked beyond the bound."""
    with pytest.raises(TooLarge):
        rest.unpacked(gzip.compress(b" " * (rest.LARGEST + 1)))


def test_found_by_service_operation_time_duration_and_tags() -> None:
    """The newest first, up to the limit."""
    traces = Traces(1 << 20, 60)
    traces.add([span(TRACE, operation="a", start=5), span(OTHER, operation="b", start=9)], 1)
    traces.add(otlp.spans(body({**SPAN, "traceId": "2" * 32}, service="api")), 2)

    def found(**wanted: Any) -> list[str]:
        return [one[0].trace for one in traces.find(Wanted(**{"service": "web.shop", **wanted}), 3)]

    assert found() == [OTHER, TRACE]
    assert found(limit=1) == [OTHER]
    assert found(operation="a") == [TRACE]
    assert found(start=6) == [OTHER]
    assert found(end=6) == [TRACE]
    assert found(shortest=11) == []
    assert found(longest=9) == []
    assert found(service="api.shop", tags=(("http.status_code", "500"), ("cached", "false"))) == ["2" * 32]
    assert found(service="api.shop", tags=(("http.status_code", "200"),)) == []
    assert (traces.services(3), traces.operations("web.shop", 3)) == (["api.shop", "web.shop"], ["a", "b"])


def test_the_oldest_go_first() -> None:
    """By bytes and by age; a trace that goes takes its names along, and one too long is cut."""
    traces = Traces(10_000, 60)
    for number in range(100):
        traces.add([span(f"{number:032x}", service=f"s{number}")], number / 10)
    assert traces.bytes <= 10_000
    assert not traces.one(f"{0:032x}", 10)
    assert traces.one(f"{99:032x}", 10)
    assert "s0" not in traces.services(10)
    assert traces.services(100) == []
    assert traces.bytes == 0
    long = Traces(1 << 30, 60)
    long.add((span(own=number) for number in range(1, MOST_SPANS + 10)), 0)
    assert (len(long.one(TRACE, 0)), long.dropped) == (MOST_SPANS, 9)
    long.add([span(own=1, operation="again")], 0)
    assert len(long.one(TRACE, 0)) == MOST_SPANS


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"limit": "-1"}, "'limit'"),
        ({"start": "yesterday"}, "'start'"),
        ({"minDuration": "5 parsecs"}, "'minDuration'"),
        ({"maxDuration": "ms"}, "'maxDuration'"),
        ({"tags": "error=true"}, "'tags'"),
        ({"tags": '{"a": 1}'}, "'tags'"),
    ],
)
def test_parameters_that_cannot_be_read(query: dict[str, str], names: str) -> None:
    """Refused by name."""
    with pytest.raises(Malformed, match=names):
        jaeger.wanted(query, "web.shop")


def test_durations_and_bounds() -> None:
    """As Go writes durations; no answer holds more than so many traces; the path's service wins."""
    wanted = jaeger.wanted({"minDuration": "1.5ms", "maxDuration": "2s", "limit": "9999", "service": "x"}, "web.shop")
    assert (wanted.shortest, wanted.longest, wanted.limit) == (1500, 2_000_000, jaeger.MOST)
    assert wanted.service == "web.shop"
    with pytest.raises(Malformed, match="'service'"):
        jaeger.wanted({})
