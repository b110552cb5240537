"""Widths of a histogram's buckets in Elasticsearch's syntax, and the buckets of what was counted in parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.shared.errors import Invalid
from services.logging.domain.entry import EPOCH

UNITS: Mapping[str, int] = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
WEEK = 7 * UNITS["d"]
MONDAY = 4 * UNITS["d"]
"""The first Monday of 1970 lies so far from its beginning."""
MONTHS: Mapping[str, int] = {"1M": 1, "1q": 3, "1y": 12, "month": 1, "quarter": 3, "year": 12}
NAMED: Mapping[str, str] = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "week": "1w"}
FORM = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
MOST_BUCKETS = 20_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Buckets of `width` milliseconds that begin at `offset` past 1970; or of `months` calendar months."""

    width: int
    offset: int = 0
    months: int = 0


def interval_of(text: str) -> Interval:
    """Read it; raises `Invalid` saying what is accepted."""
    text = NAMED.get(text, text)
    if text in MONTHS:
        return Interval(UNITS["d"], months=MONTHS[text])
    if text == "1w":
        return Interval(WEEK, MONDAY)
    match = FORM.fullmatch(text)
    if match is None:
        raise Invalid("interval", f"interval {text[:32]!r} should be a number with ms, s, m, h or d; or 1w, 1M, 1q, 1y")
    return Interval(int(match[1]) * UNITS[match[2]])


def buckets(counts: Mapping[int, int], interval: Interval) -> list[tuple[int, int]]:
    """Begin of each bucket from the first that holds something to the last, and its count; raises `Invalid` when there
    would be too many of them.
    """
    if not counts:
        return []
    if interval.months:
        return _calendar(counts, interval.months)
    first, last = min(counts), max(counts)
    if (last - first) // interval.width >= MOST_BUCKETS:
        raise Invalid("interval-buckets", f"the histogram would have more than {MOST_BUCKETS} buckets: widen interval")
    return [(at, counts.get(at, 0)) for at in range(first, last + 1, interval.width)]


def _calendar(counts: Mapping[int, int], months: int) -> list[tuple[int, int]]:
    found: dict[int, int] = {}
    for at, count in counts.items():
        day = datetime.fromtimestamp(at / 1000, UTC)
        number = (day.year * 12 + day.month - 1) // months * months
        found[number] = found.get(number, 0) + count
    return [(_month(at), found.get(at, 0)) for at in range(min(found), max(found) + 1, months)]


def _month(number: int) -> int:
    return int((datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1000
