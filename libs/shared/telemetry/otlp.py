"""Export of traces by OTLP over HTTP: imported only when an address is given (extra `otlp`)."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

LONGEST_QUEUE = 4096
SECONDS_BETWEEN_BATCHES = 1.0
SECONDS_TO_ANSWER = 3.0


def make_processor(address: str) -> SpanProcessor:
    """A bounded batch exporter to a collector such as `http://collector:4318`; it owns one thread until shutdown."""
    url = address if address.endswith("/v1/traces") else address.rstrip("/") + "/v1/traces"
    return BatchSpanProcessor(
        OTLPSpanExporter(endpoint=url, timeout=int(SECONDS_TO_ANSWER)),
        max_queue_size=LONGEST_QUEUE,
        schedule_delay_millis=SECONDS_BETWEEN_BATCHES * 1000,
    )
