"""Times of silences: five fields of cron (minute, hour, day, month, weekday), in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

LONGEST: Final = 120
MOST_DAYS: Final = 400
BOUNDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
FIELDS: Final = 5
SUNDAY: Final = 7


@dataclass(frozen=True, slots=True)
class Cron:
    """The values of each field; `days` and `weekdays` say whether these fields are narrowed: cron takes either then."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def last(self, at: datetime) -> datetime | None:
        """The last moment that it names, not after `at`; None when that is more than a year ago."""
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        for back in range(MOST_DAYS):
            found = self._within(day - timedelta(days=back), at)
            if found is not None:
                return found
        return None

    def _within(self, day: datetime, at: datetime) -> datetime | None:
        if day.month not in self.months or not self._on(day):
            return None
        for hour in sorted(self.hours, reverse=True):
            for minute in sorted(self.minutes, reverse=True):
                moment = day.replace(hour=hour, minute=minute)
                if moment <= at:
                    return moment
        return None

    def _on(self, day: datetime) -> bool:
        by_day, by_weekday = day.day in self.days, day.isoweekday() % SUNDAY in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def cron_of(text: Any) -> Cron | None:
    """The schedule; None for what is none."""
    fields = text.split() if isinstance(text, str) and len(text) <= LONGEST else []
    if len(fields) != FIELDS:
        return None
    values = [_field(field, *bound) for field, bound in zip(fields, BOUNDS, strict=True)]
    if any(found is None for found in values):
        return None
    minutes, hours, days, months, weekdays = (frozenset(found or ()) for found in values)
    weekdays = frozenset(day % SUNDAY for day in weekdays)
    return Cron(minutes, hours, days, months, weekdays, fields[2][0] in "*?", fields[4][0] in "*?")


def _field(text: str, low: int, high: int) -> set[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        every = _number(step, 1, high) if step else 1
        ends = _ends(span, low, high, open_ended=bool(step))
        if every is None or ends is None:
            return None
        found.update(range(ends[0], ends[1] + 1, every))
    return found or None


def _ends(span: str, low: int, high: int, *, open_ended: bool) -> tuple[int, int] | None:
    if span in ("*", "?"):
        return low, high
    first, dash, last = span.partition("-")
    begin = _number(first, low, high)
    end = _number(last, low, high) if dash else high if open_ended else begin
    return None if begin is None or end is None or end < begin else (begin, end)


def _number(text: str, low: int, high: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 2:  # noqa: PLR2004  # no field has three digits
        return None
    return int(text) if low <= int(text) <= high else None
