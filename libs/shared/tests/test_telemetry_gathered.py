"""Spans that are gathered: in OTLP's form, bounded in number, and of a bounded number of traces a second."""

from __future__ import annotations

import pytest

from libs.shared.telemetry import gathered
from libs.shared.telemetry.make import telemetry_of
from libs.shared.telemetry.traces import span, traceparent
from libs.shared.testing.clock import VirtualClock


def test_told_as_otlp_tells() -> None:
    """Ids, parent, kind, attributes and an error; and who waits is woken by the first."""
    rung = []
    spans = gathered.Gathered(VirtualClock())
    with telemetry_of("shop", gathered=spans) as telemetry:
        spans.woken(lambda: rung.append(1))
        attributes = {"n": 7, "ok": True, "ratio": 0.5, "name": "x", "many": ("a", "b")}
        with (
            span(telemetry.tracer, "outer", parent=""),
            pytest.raises(ValueError, match="no"),
            span(telemetry.tracer, "inner", attributes=attributes),
        ):
            raise ValueError("no: hunter2")
        inner, outer = spans.take(10)["shop"]
    assert rung == [1]
    assert (inner["name"], inner["parentSpanId"], inner["traceId"]) == ("inner", outer["spanId"], outer["traceId"])
    assert inner["status"]["code"] == gathered.ERROR
    assert inner["events"][0]["name"] == "exception"
    assert "hunter2" not in str(inner)
    assert {one["key"]: one["value"] for one in inner["attributes"]} == {
        "n": {"intValue": "7"},
        "ok": {"boolValue": True},
        "ratio": {"doubleValue": 0.5},
        "name": {"stringValue": "x"},
        "many": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}},
    }
    assert "parentSpanId" not in outer


async def test_so_many_traces_a_second() -> None:
    """A burst is recorded up to its bound, then so many a second; those that aren't have ids all the same, and what
    goes on with a recorded one is recorded.
    """
    clock = VirtualClock()
    rate = gathered.Rate(clock, a_second=2, at_once=3)
    assert [rate.should_sample(None, 1, "x").decision.is_sampled() for _ in range(4)] == [True, True, True, False]
    await clock.advance(1)
    assert [rate.should_sample(None, 1, "x").decision.is_sampled() for _ in range(3)] == [True, True, False]
    spans = gathered.Gathered(clock)
    with telemetry_of("shop", gathered=spans) as telemetry:
        for _ in range(int(gathered.AT_ONCE) + 5):
            with span(telemetry.tracer, "root", parent="") as root:
                assert traceparent(root)
        assert spans.waiting == gathered.AT_ONCE
        with span(telemetry.tracer, "child", parent=f"00-{'1' * 32}-{'1' * 16}-01"):
            pass
        assert spans.waiting == gathered.AT_ONCE + 1


def test_one_more_than_there_is_room_for_is_dropped() -> None:
    """Nothing grows without end."""
    spans = gathered.Gathered(VirtualClock())
    with telemetry_of("shop", gathered=spans) as telemetry:
        for _ in range(gathered.MOST + 1):
            with span(telemetry.tracer, "child", parent=f"00-{'1' * 32}-{'1' * 16}-01"):
                pass
        assert (spans.waiting, spans.dropped) == (gathered.MOST, 1)
