"""SQLite's errors in the words of the tree: none leaves this folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.shared.errors import Broken, Busy, Fault

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def translated(error: sqlite3.Error, path: Path) -> Fault:
    """The fault that this error is, by its primary result code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return Busy("bus-disk-full", f"bus log {path}: no space is left; free some, and it goes on by itself")
    if code in _CORRUPT:
        return Broken(
            "bus-corrupt",
            f"bus log {path} is damaged or no bus log ({error}); restore it from a backup, "
            "or move it away to start anew",
        )
    if code in _PASSING:
        return Busy("bus-locked", f"bus log {path} is locked by another program")
    return Broken("bus-broken", f"bus log {path} failed: {error}")


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Raise what happens inside as the tree's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error
