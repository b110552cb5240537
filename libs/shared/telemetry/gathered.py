"""Spans gathered in memory, for the service that keeps the suite's own traces; bounded in number and in rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, StatusCode
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from libs.shared.values import Clock

MOST: Final = 2048
"""Spans that wait; one more is dropped."""
A_SECOND: Final = 20.0
"""Traces begun in a second that are recorded; the others have ids, and nothing is noted of them."""
AT_ONCE: Final = 100.0
"""Traces that may begin at once after a quiet time."""
KINDS: Final = {kind: number for number, kind in enumerate(SpanKind, start=1)}
ERROR: Final = 2
UNTOLD: Final = frozenset({"exception.message", "exception.stacktrace"})
"""Of an error its type is kept: its text may hold what no log would."""


class Rate(Sampler):
    """Records a trace that begins, as long as no more than so many do in a second."""

    def __init__(self, clock: Clock, a_second: float = A_SECOND, at_once: float = AT_ONCE) -> None:
        self._clock, self._a_second, self._at_once = clock, a_second, at_once
        self._left, self._then = at_once, clock.monotonic()

    def should_sample(  # noqa: PLR0917  # the SDK gives them in this order
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """The SDK's question."""
        del parent_context, trace_id, name, kind, links
        now = self._clock.monotonic()
        self._left = min(self._at_once, self._left + (now - self._then) * self._a_second)
        self._then = now
        if self._left < 1:
            return SamplingResult(Decision.DROP, None, trace_state)
        self._left -= 1
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)

    def get_description(self) -> str:
        """The SDK's name of it."""
        return f"Rate({self._a_second})"


class Gathered:
    """What has ended in the services of a process and waits to be fetched."""

    def __init__(self, clock: Clock) -> None:
        self.rate = Rate(clock)
        """For the providers of all of them."""
        self._spans: deque[tuple[str, ReadableSpan]] = deque()
        self._wake: Callable[[], None] = _nobody
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._spans)

    def woken(self, wake: Callable[[], None]) -> None:
        """Who is told of the first that waits."""
        self._wake = wake

    def of(self, service: str) -> SpanProcessor:
        """Gathers what a service traces."""
        return _Gathering(service, self)

    def keep(self, service: str, span: ReadableSpan) -> None:
        """Keep it, while there is room."""
        if len(self._spans) >= MOST:
            self.dropped += 1
            return
        self._spans.append((service, span))
        if len(self._spans) == 1:
            self._wake()

    def take(self, most: int) -> dict[str, list[dict[str, Any]]]:
        """Those that have waited longest, by their service, in OTLP's JSON form."""
        found: dict[str, list[dict[str, Any]]] = {}
        for _ in range(min(most, len(self._spans))):
            service, span = self._spans.popleft()
            found.setdefault(service, []).append(_json(span))
        return found


class _Gathering(SpanProcessor):
    def __init__(self, service: str, gathered: Gathered) -> None:
        self._service, self._gathered = service, gathered

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._gathered.keep(self._service, span)


def attributes(given: Any) -> list[dict[str, Any]]:
    """Attributes in OTLP's JSON form."""
    return [{"key": key, "value": _value(value)} for key, value in (given or {}).items()]


def _json(span: ReadableSpan) -> dict[str, Any]:
    context, parent = span.context, span.parent
    found: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "name": span.name,
        "kind": KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": attributes(span.attributes),
    }
    if parent is not None:
        found["parentSpanId"] = f"{parent.span_id:016x}"
    if span.status.status_code is StatusCode.ERROR:
        found["status"] = {"code": ERROR}
    if span.events:
        found["events"] = [
            {
                "timeUnixNano": str(event.timestamp),
                "name": event.name,
                "attributes": attributes(_told(event.attributes)),
            }
            for event in span.events
        ]
    return found


def _told(given: Any) -> dict[str, Any]:
    return {key: value for key, value in (given or {}).items() if key not in UNTOLD}


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"arrayValue": {"values": [_value(one) for one in value]}}


def _nobody() -> None:
    """Wake nobody."""
