"""Positions and times as the log counts them, and as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from libs.shared.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTH = 20


def text(position: int) -> str:
    """A position as text that sorts as the number does."""
    return f"{position:0{_WIDTH}d}"


def number(position: str) -> int:
    """A position's number, 0 for the start; raises `Invalid`."""
    if position == "":
        return 0
    if len(position) == _WIDTH and position.isascii() and position.isdigit():
        return int(position)
    raise Invalid("position", f"{position!r} is no position of this bus: {_WIDTH} digits as a message carries them")


def moment(micros: int) -> datetime:
    """The time so many microseconds after 1970 began."""
    return _EPOCH + timedelta(microseconds=micros)


def micros(at: datetime) -> int:
    """Microseconds since 1970 began."""
    return (at - _EPOCH) // timedelta(microseconds=1)
