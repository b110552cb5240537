"""Traces in memory, for looking at: bounded by bytes and age, the oldest go first; a restart forgets them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice

from services.mesh.domain.span import Span, Wanted

MOST_SPANS = 5000
"""Spans of one trace; further ones are dropped."""
MOST_NAMES = 2000
"""Services, and operations of each, that are listed."""


class Traces:
    """What has come lately."""

    def __init__(self, most_bytes: int, seconds: float) -> None:
        self._most, self._seconds = most_bytes, seconds
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._of: dict[str, dict[str, None]] = {}
        """Service -> its traces, in the order in which they were first heard of."""
        self.bytes = self.dropped = 0

    def add(self, spans: Iterable[Span], now: float) -> None:
        """Take spans; one that came before is replaced. `now` is of a clock that only goes forward."""
        for span in spans:
            trace = self._traces.setdefault(span.trace, _Trace())
            if len(trace.spans) >= MOST_SPANS and span.id not in trace.spans:
                self.dropped += 1
                continue
            before = trace.spans.get(span.id)
            self.bytes += span.size - (before.size if before else 0)
            trace.spans[span.id] = span
            trace.heard = now
            self._traces.move_to_end(span.trace)
            self._of.setdefault(span.process.name, {})[span.trace] = None
        self._tidy(now)

    def one(self, trace: str, now: float) -> list[Span]:
        """The spans of a trace, by their start; none when there is no such trace."""
        self._tidy(now)
        found = self._traces.get(trace)
        return sorted(found.spans.values(), key=lambda span: (span.start, span.id)) if found else []

    def find(self, wanted: Wanted, now: float) -> list[list[Span]]:
        """Traces with a span that fits, those that were heard of last first."""
        self._tidy(now)
        found: list[list[Span]] = []
        for trace in reversed(self._of.get(wanted.service, {})):
            if len(found) >= wanted.limit:
                break
            if any(wanted.fits(span) for span in self._traces[trace].spans.values()):
                found.append(self.one(trace, now))
        return found

    def services(self, now: float) -> list[str]:
        """Names of those who made spans."""
        self._tidy(now)
        return sorted(islice(self._of, MOST_NAMES))

    def operations(self, service: str, now: float) -> list[str]:
        """What a service was seen to do."""
        self._tidy(now)
        found: set[str] = set()
        for trace in reversed(self._of.get(service, {})):
            spans = self._traces[trace].spans.values()
            found.update(span.operation for span in spans if span.process.name == service)
            if len(found) >= MOST_NAMES:
                break
        return sorted(found)[:MOST_NAMES]

    def _tidy(self, now: float) -> None:
        while self._traces:
            name, oldest = next(iter(self._traces.items()))
            if self.bytes <= self._most and now - oldest.heard <= self._seconds:
                return
            del self._traces[name]
            for span in oldest.spans.values():
                self.bytes -= span.size
                mine = self._of.get(span.process.name, {})
                mine.pop(name, None)
                if not mine:
                    self._of.pop(span.process.name, None)


class _Trace:
    __slots__ = ("heard", "spans")

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}
        self.heard = 0.0
