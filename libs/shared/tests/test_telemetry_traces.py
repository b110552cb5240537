"""Traces: W3C context as text, a provider a service, ids passed on even when nothing is recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from libs.shared.telemetry.traces import context_of, make_provider, span, traceparent

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_trace_is_continued_from_text() -> None:
    """A span opened under a traceparent has its trace id and its own span id."""
    with span(make_provider("a").get_tracer("t"), "work", parent=PARENT):
        text = traceparent()
    assert text.split("-")[1] == PARENT.split("-")[1]
    assert text.split("-")[2] != PARENT.split("-")[2]


def test_ids_are_passed_on_without_an_exporter() -> None:
    """Nothing is recorded, and still one trace runs through: the text is valid and not empty."""
    with span(make_provider("a").get_tracer("t"), "work") as running:
        assert not running.is_recording()
        assert context_of(traceparent())


def test_recorded_with_a_processor_and_parent_is_set() -> None:
    """With somewhere to send them, spans of two services are one trace with the right parents."""
    exporter = InMemorySpanExporter()
    first, second = (make_provider(name, (SimpleSpanProcessor(exporter),)) for name in ("a", "b"))
    with span(first.get_tracer("t"), "outer"):
        text = traceparent()
    with span(second.get_tracer("t"), "inner", parent=text):
        pass
    outer, inner = exporter.get_finished_spans()
    assert inner.parent is not None
    assert inner.context.trace_id == outer.context.trace_id
    assert inner.parent.span_id == outer.context.span_id
    assert [s.resource.attributes["service.name"] for s in (outer, inner)] == ["a", "b"]


def test_error_marks_the_span() -> None:
    """An error passes through and is seen in the trace."""
    exporter = InMemorySpanExporter()
    tracer = make_provider("a", (SimpleSpanProcessor(exporter),)).get_tracer("t")
    with pytest.raises(ValueError, match="no"), span(tracer, "work"):
        raise ValueError("no")
    assert exporter.get_finished_spans()[0].status.status_code is trace.StatusCode.ERROR


def test_outside_of_a_span_there_is_no_text() -> None:
    """Nothing is invented."""
    assert traceparent() == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        PARENT + "-more",
        PARENT.upper(),
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        PARENT[:-3],
    ],
)
def test_malformed_starts_a_new_trace(text: str) -> None:
    """W3C 3.2.2.5: what can't be read is as if it were absent."""
    assert not trace.get_current_span(context_of(text)).get_span_context().is_valid


def test_later_versions_may_say_more() -> None:
    """W3C 3.3: a higher version is read by its known part."""
    assert trace.get_current_span(context_of("01" + PARENT[2:] + "-more")).get_span_context().is_valid


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    """Headers come from anybody."""
    context_of(text)
