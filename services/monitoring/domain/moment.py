"""When a query looks: one moment, or from one to another in steps. Milliseconds; the texts are the original's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from libs.shared.errors import Malformed

INTEGER = re.compile(r"[+-]?[0-9]+")
LARGEST = 1 << 63
PIECE = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
UNITS: Mapping[str, float] = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6}
STEP = 600_000
LONGEST = 64
FARTHEST = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class Moments:
    """`step` 0: the one moment `end`."""

    start: int
    end: int
    step: int = 0
    ranged: bool = False


def moments(query: Mapping[str, str], now: int) -> Moments:
    """What the query's time, start, end and step say; raises `Malformed` in the original's words."""
    start, end = query.get("start", ""), query.get("end", "")
    step = duration(query["step"]) if query.get("step") else STEP
    if bool(start) != bool(end):
        text = "'time' and the combination of 'start' and 'end' are mutually exclusive."
        raise Malformed("monitoring-times", text)
    if not start:
        at = integer(query["time"]) * 1000 if query.get("time") else now
        return Moments(at, at)
    first, last = integer(start) * 1000, integer(end) * 1000
    if first > last:
        raise Malformed("monitoring-times", "'start' must be before 'end'.")
    return Moments(first, last, step, ranged=True)


def integer(text: str) -> int:
    """A Unix second; raises `Malformed` in Go's words."""
    if not INTEGER.fullmatch(text):
        raise Malformed("monitoring-number", f'strconv.ParseInt: parsing "{text[:200]}": invalid syntax')
    value = int(text[:LONGEST])
    if len(text) > LONGEST or not -LARGEST <= value < LARGEST:
        raise Malformed("monitoring-number", f'strconv.ParseInt: parsing "{text[:200]}": value out of range')
    return max(-FARTHEST, min(value, FARTHEST))


def duration(text: str) -> int:
    """A Go duration (`1h30m`) in milliseconds; raises `Malformed` in Go's words."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest or len(rest) > LONGEST:
        raise Malformed("monitoring-duration", f'time: invalid duration "{text[:200]}"')
    total = 0.0
    while rest:
        found = PIECE.match(rest)
        if found is None or not (found[1] or found[2]):
            raise Malformed("monitoring-duration", f'time: invalid duration "{text}"')
        if not found[3]:
            raise Malformed("monitoring-duration", f'time: missing unit in duration "{text}"')
        if found[3] not in UNITS:
            raise Malformed("monitoring-duration", f'time: unknown unit "{found[3]}" in duration "{text}"')
        total += float(f"{found[1] or 0}.{found[2] or 0}") * UNITS[found[3]]
        rest = rest[found.end() :]
    return round(min(total, FARTHEST * 1000)) * (-1 if text.startswith("-") else 1)


def since(wanted: Moments, created: int) -> Moments | None:
    """Without what lies before a namespace was made; None when nothing is left. A range's grid stays anchored at its
    end (spec 1.2).
    """
    if wanted.end < created:
        return None
    if not wanted.ranged or wanted.start >= created or wanted.step <= 0:
        return wanted
    return replace(wanted, start=wanted.end - (wanted.end - created) // wanted.step * wanted.step)
