"""A span of a trace, and which of them somebody looks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_TAGS = 64
LONGEST = 2048
"""Characters of a tag's value that are kept."""

Tag = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in a span: microseconds since 1970, and what is known of it."""

    at: int
    fields: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """Who made a span: `name` is the service's, with its namespace where it runs in a cluster: `web.shop`."""

    name: str
    tags: tuple[Tag, ...] = ()

    def within(self, namespace: str) -> bool:
        """Whether it runs in that namespace."""
        return self.name.endswith(f".{namespace}")


@dataclass(frozen=True, slots=True)
class Span:
    """`trace`, `id` and `parent` are hexadecimal; `start` and `duration` are microseconds."""

    trace: str
    id: str
    parent: str
    operation: str
    process: Process
    start: int
    duration: int
    tags: tuple[Tag, ...] = ()
    logs: tuple[Moment, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        tags = (*self.tags, *self.process.tags, *(field for log in self.logs for field in log.fields))
        return 400 + len(self.operation) + sum(100 + len(key) + len(str(value)) for key, value in tags)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which traces somebody looks for: of a service, begun within microseconds, lasting so long, tagged so."""

    service: str
    operation: str = ""
    start: int = 0
    end: int = 0
    shortest: int = 0
    longest: int = 0
    tags: tuple[tuple[str, str], ...] = ()
    limit: int = 20

    def fits(self, span: Span) -> bool:
        """Whether a span is one of those."""
        told = {key: _text(value) for key, value in (*span.process.tags, *span.tags)}
        return (
            span.process.name == self.service
            and (not self.operation or span.operation == self.operation)
            and span.start >= self.start
            and (not self.end or span.start <= self.end)
            and span.duration >= self.shortest
            and (not self.longest or span.duration <= self.longest)
            and all(told.get(key) == value for key, value in self.tags)
        )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
