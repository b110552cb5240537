"""Schedules in cron's five fields, with names, steps, and `@hourly` and its like. Pure. Source: crontab(5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs.shared.errors import Invalid

_MACROS: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS))
_HORIZON: Final = 366 * 5
"""Days that are looked ahead; a schedule without a time in them has none."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes, hours, days, months and days of the week at which it is due."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    """Whether a day of the month or one of the week is enough: both are said."""

    def after(self, at: datetime) -> datetime | None:
        """The first time later than this one, in the same zone."""
        moment = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for _ in range(_HORIZON):
            found = self._within(moment) if self._on(moment) else None
            if found is not None:
                return found
            moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
        return None

    def _on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    def _within(self, begin: datetime) -> datetime | None:
        """The first time of this day from the given one on."""
        for hour in sorted(each for each in self.hours if each >= begin.hour):
            least = begin.minute if hour == begin.hour else 0
            minute = min((each for each in self.minutes if each >= least), default=None)
            if minute is not None:
                return begin.replace(hour=hour, minute=minute)
        return None


def parsed(text: str) -> Schedule:
    """The schedule that this text means; raises `Invalid`."""
    parts = _MACROS.get(text.strip(), text).split()
    if len(parts) != len(_FIELDS):
        raise _wrong(text)
    try:
        fields = [_field(part, *bounds) for part, bounds in zip(parts, _FIELDS, strict=True)]
    except ValueError as error:
        raise _wrong(text) from error
    if not all(fields):
        raise _wrong(text)
    weekdays = frozenset(day % 7 for day in fields[4])
    either = not parts[2].startswith("*") and not parts[4].startswith("*")
    return Schedule(fields[0], fields[1], fields[2], fields[3], weekdays, either)


def _field(text: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    """The values that one field names; none where one of them is out of bounds."""
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        begin, end = _span(span, low, high, names, open_ended=bool(step))
        stride = int(step) if step else 1
        if not (low <= begin <= end <= high and stride > 0):
            return frozenset()
        found.update(range(begin, end + 1, stride))
    return frozenset(found)


def _span(text: str, low: int, high: int, names: tuple[str, ...], *, open_ended: bool) -> tuple[int, int]:
    if text in ("*", "?"):
        return low, high
    first, dash, last = text.partition("-")
    begin = _number(first, low, names)
    return begin, _number(last, low, names) if dash else high if open_ended else begin


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(text) + low if text in names else int(text)


def _wrong(text: str) -> Invalid:
    return Invalid("cron-schedule", f"schedule {text!r} is no cron schedule: five fields such as '*/5 * * * *'")
