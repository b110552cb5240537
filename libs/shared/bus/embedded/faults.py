"""SQLite's errors in the words of the tree: none leaves this folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.shared.errors import Broken, Busy, Fault

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_RETRY = 5
"""Seconds that clients are asked to wait."""


def translated(error: sqlite3.Error, path: Path) -> Fault:
    """The fault that this error is, by its primary result code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        text = f"bus log {path}: no space is left; free some, and it goes on by itself"
        return Busy("bus-disk-full", text, public="the bus can't write now: no space is left", retry_after=_RETRY)
    if code in _CORRUPT:
        return Broken(
            "bus-corrupt",
            f"bus log {path} is damaged or no bus log ({error}); restore it from a backup, "
            "or move it away to start anew",
        )
    if code in _PASSING:
        text = f"bus log {path} is locked by another program"
        return Busy("bus-locked", text, public="the bus can't be used now", retry_after=_RETRY)
    return Broken("bus-broken", f"bus log {path} failed: {error}")


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Raise what happens inside as the tree's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error
