"""Traces: a tracer provider a service, W3C trace context as text, export by OTLP only when an address is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, Tracer

UNSEEN = "00-00000000000000000000000000000001-0000000000000001-00"
"""The parent of what is not to be recorded."""
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def make_provider(
    service: str, processors: tuple[SpanProcessor, ...] = (), sampler: Sampler | None = None
) -> TracerProvider:
    """A provider of this service alone. Without a processor nothing is recorded, and trace ids are still passed on.
    `sampler` says which traces that begin here are recorded; all, unless given.
    """
    provider = TracerProvider(
        resource=Resource({"service.name": service, "service.namespace": "orrery"}),
        sampler=ParentBased((sampler or ALWAYS_ON) if processors else ALWAYS_OFF),
        shutdown_on_exit=False,
    )
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def traceparent(span: Span | None = None) -> str:
    """The span (the current one unless given) as W3C `traceparent`, or empty text."""
    context = (span or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def context_of(text: str) -> Context:
    """The context that a `traceparent` names; one without a parent where it is absent or malformed (W3C 3.2.2.5)."""
    match = TRACEPARENT.fullmatch(text)
    if match is None or (match[4] and text.startswith("00")):
        return Context()
    parent = SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16))
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent.is_valid else Context()


@contextmanager
def span(
    tracer: Tracer,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Span]:
    """Run the block in a span of its own; an error in it marks the span and passes through.

    `parent` is a `traceparent`; None continues the running span.
    """
    context = None if parent is None else context_of(parent)
    with tracer.start_as_current_span(name, context=context, kind=kind, attributes=attributes) as running:
        yield running
