"""What the services declare, as text: every route, event, reaction, follower and worker, and where its code is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from libs.shared.service import Service

Row = tuple[str, ...]


def drawn(services: Sequence[Service]) -> str:
    """Aligned plain text, one section for each sort of thing, one line for each thing."""
    sections = (
        ("ROUTES", _routes(services)),
        ("KINDS", _kinds(services)),
        ("EVENTS", _events(services)),
        ("WORKERS", _workers(services)),
    )
    return "\n\n".join(f"{title}\n{_aligned(list(rows))}" for title, rows in sections)


def _routes(services: Sequence[Service]) -> Iterator[Row]:
    for service in services:
        for route in sorted(service.routes, key=lambda r: (r.path, r.method)):
            yield service.name, route.method, route.path, route.access.value, _place(route.handler)


def _kinds(services: Sequence[Service]) -> Iterator[Row]:
    for service in services:
        for kind in service.kinds:
            path = f"/apis/{kind.group}/{kind.version}/{kind.plural}"
            writes = {"create": kind.create, "update": kind.update, "delete": kind.remove}
            commands = [f"{verb}={_place(command)}" for verb, command in writes.items() if command is not None]
            yield service.name, kind.kind, path, " ".join(commands) or "read only"


def _events(services: Sequence[Service]) -> Iterator[Row]:
    for publisher in services:
        for event in publisher.publishes:
            listeners = [
                *((s.name, "reacts", _place(on.reaction)) for s in services for on in s.reactions if on.event is event),
                *((s.name, "follows", _place(f.follow)) for s in services for f in s.follows if f.event is event),
            ]
            for listener in listeners or [("", "", "")]:
                yield publisher.name, event.__name__, *listener


def _workers(services: Sequence[Service]) -> Iterator[Row]:
    for service in services:
        for worker in service.workers:
            yield service.name, worker.name, "one at a time" if worker.lease else "in every copy", _place(worker.run)


def _place(function: Any) -> str:
    """Where a function is defined: what an editor's search finds."""
    inner = getattr(function, "func", function)
    name = getattr(inner, "__qualname__", type(inner).__qualname__).replace(".<locals>", "")
    return f"{getattr(inner, '__module__', '')}:{name}"


def _aligned(rows: Sequence[Row]) -> str:
    if not rows:
        return "  none"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line}".rstrip() for line in lines)
