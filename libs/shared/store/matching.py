"""What `Find` means, as plain functions over decoded JSON: a unit uses it for its own writes, which no index knows yet.

Comparisons keep within a type, as in MongoDB: a bound that is text matches no number. Sorting puts nothing first, then
numbers, then text by code point, and ties go by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from libs.shared.store.canonical import moment
from libs.shared.store.fields import values
from libs.shared.store.protocol import Clause, Equal, OneOf, Prefix, Range

Plain = str | int | float | bool


def matches(body: Mapping[str, Any], clause: Clause) -> bool:
    """Whether the clause holds for this document's JSON."""
    if isinstance(clause, Range) and clause.low is None and clause.high is None:
        return True
    return any(_holds(value, clause) for value in values(body, tuple(clause.field.split("."))))


def order(body: Mapping[str, Any], field: str) -> tuple[int, Any]:
    """A key that sorts by this field: absent and null first, then numbers, then text."""
    value = next(values(body, tuple(field.split("."))), None)
    if value is None:
        return (0, 0)
    return (2, value) if isinstance(value, str) else (1, value)


def bound(value: str | int | datetime | None) -> str | int | None:
    """A bound of a range as it is stored."""
    return moment(value) if isinstance(value, datetime) else value


def _holds(value: Plain, clause: Clause) -> bool:
    match clause:
        case Equal():
            return value == clause.value
        case OneOf():
            return value in clause.values
        case Prefix():
            return isinstance(value, str) and value.startswith(clause.value)
        case Range():
            return _within(value, bound(clause.low), bound(clause.high))


def _within(value: Plain, low: str | int | None, high: str | int | None) -> bool:
    text = isinstance(value, str)
    if any(isinstance(side, str) is not text for side in (low, high) if side is not None):
        return False
    if isinstance(value, str):
        return (low is None or value >= str(low)) and (high is None or value < str(high))
    return (low is None or value >= int(low)) and (high is None or value < int(high))
