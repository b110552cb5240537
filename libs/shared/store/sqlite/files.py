"""The file itself: its lock, its connections, and what SQLite's errors mean to the one who has to mend it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Busy, Fault

WAL_KEPT: Final = 16 * 1024 * 1024
"""Bytes; the -wal file is cut back to this after a checkpoint."""

RETRY: Final = 5
"""Seconds that clients are asked to wait while the store can't write."""

CHECKED: Final = 8 * 1024 * 1024
"""Bytes of a file that is looked through whenever it is opened: about 30 ms at most."""
CHECKED_AFTER_A_CRASH: Final = 64 * 1024 * 1024
"""The same where the last process was killed: a third of a second at most."""

_REMEDIES: Final = {
    sqlite3.SQLITE_IOERR: ("store-io", "the disk failed a read or write; check space, limits and the device"),
    sqlite3.SQLITE_CORRUPT: ("store-corrupt", "the file is damaged; stop the service and restore a backup"),
    sqlite3.SQLITE_NOTADB: ("store-corrupt", "this is no SQLite file; move it away or restore a backup"),
    sqlite3.SQLITE_READONLY: ("store-read-only", "the file or its folder can't be written; check owner and mode"),
    sqlite3.SQLITE_CANTOPEN: ("store-not-opened", "it can't be opened; check that its folder exists and is writable"),
    sqlite3.SQLITE_PERM: ("store-not-opened", "access was refused; check owner and mode"),
    sqlite3.SQLITE_AUTH: ("store-not-opened", "access was refused; check owner and mode"),
}


def fault(error: sqlite3.Error, path: Path) -> Fault:
    """The fault that names the file and the remedy."""
    primary = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        text = f"{path}: another program holds the file; end it and try again"
        return Busy("store-locked", text, public=f"the store of {path.stem} can't be used now", retry_after=RETRY)
    if primary == sqlite3.SQLITE_FULL:
        text = f"{path}: the disk is full; free space and try again, nothing was written ({error})"
        public = f"the store of {path.stem} can't write now: no space is left"
        return Busy("store-full", text, public=public, retry_after=RETRY)
    slug, remedy = _REMEDIES.get(primary, ("store-failed", "SQLite refused"))
    return Broken(slug, f"{path}: {remedy} ({error})")


class Lock:
    """That this process alone works with the file: an advisory lock beside it, gone when the process is."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor = self._taken(path)

    def _taken(self, store: Path) -> int:
        while True:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                text = f"{store}: its folder can't be written ({error.strerror}); check that it exists, owner and mode"
                raise Broken("store-not-opened", text) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                text = (
                    f"{store}: another process has this store open; end it, or give each its own folder or mongodb://"
                )
                raise Busy("store-in-use", text) from error
            if self._still_there(descriptor):
                return descriptor
            os.close(descriptor)  # the last owner removed it between our opening and our locking

    def _still_there(self, descriptor: int) -> bool:
        try:
            return os.fstat(descriptor).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go, and leave no file behind."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, for one thread at a time; raises the fault that explains a refusal."""
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5, cached_statements=512
        )
        try:
            _configure(connection, readonly=readonly)
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise fault(error, path) from error
    return connection


def _configure(connection: sqlite3.Connection, *, readonly: bool) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"journal_size_limit = {WAL_KEPT}",
        "cache_size = -16000",
        "temp_store = MEMORY",
        f"query_only = {int(readonly)}",
    ):
        connection.execute("PRAGMA " + pragma)


def unclean(path: Path) -> bool:
    """Whether the last process ended without closing the file: it would have folded the -wal in. Ask before opening."""
    return path.with_name(path.name + "-wal").exists()


def check(connection: sqlite3.Connection, path: Path, *, crashed: bool) -> None:
    """Look a file of bounded size through; raises `Broken` when its pages are damaged, however sound its header is."""
    if path.stat().st_size > (CHECKED_AFTER_A_CRASH if crashed else CHECKED):
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        slug, remedy = _REMEDIES[sqlite3.SQLITE_CORRUPT]
        raise Broken(slug, f"{path}: {remedy} ({' '.join(found.split())})")


def backup(source: Path, target: Path) -> None:
    """Copy a live file in one consistent step to `target`, which appears whole or not at all."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    reader = connect(source, readonly=True)
    try:
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            reader.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        _durable(partial)
        partial.replace(target)
        _durable(target.parent)
    except sqlite3.Error as error:
        raise fault(error, target) from error
    except OSError as error:
        raise Broken("backup-failed", f"{target}: the copy can't be written ({error.strerror})") from error
    finally:
        reader.close()
        partial.unlink(missing_ok=True)


def _durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
