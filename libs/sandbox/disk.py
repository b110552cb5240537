"""The sandbox's objects on disk: one SQLite file, written by one thread that commits whatever has gathered at once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from libs.shared.errors import Broken, Busy, Fault

MOST_WAITING = 50_000
"""Objects that may wait for the disk; beyond, writes are refused until it has caught up."""
RETRY = 0.5
"""Seconds until a commit that failed is tried again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)"
_DROP = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
_COUNT = "INSERT OR REPLACE INTO counters VALUES ('revision', ?)"

Key = tuple[str, str, str]
"""Resource id, namespace (empty where there is none), name."""


class Row(Protocol):
    """What is written: `raw` is the object as JSON."""

    @property
    def raw(self) -> bytes:
        """The object as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Contents:
    """What was on disk at the start."""

    revision: int
    rows: Iterator[tuple[str, bytes]]
    """Resource id and JSON of every object; to be read at once."""


class Disk:
    """Takes writes in memory, and tells when they are safe. `put`, `drop` and `saved` belong to the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Condition()
        self._waiting: dict[Key, Row | None] = {}
        self._revision = self._safe = 0
        self._closing = False
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="sandbox-disk", daemon=True)

    @contextmanager
    def read(self) -> Iterator[Contents]:
        """Everything that is kept; raises `Broken` when the file can't be used."""
        try:
            with closing(_opened(self._path)) as connection:
                found = connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()
                rows = connection.execute("SELECT resource, body FROM objects")
                yield Contents(found[0] if found else 0, iter(rows))
        except sqlite3.Error as error:
            raise _broken(self._path, error) from error

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def note(self, key: Key, row: Row | None, revision: int) -> None:
        """Write this object (None: remove it) soon; raises `Busy` when too much waits."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy("sandbox-disk-behind", "the disk is behind with the sandbox's objects", retry_after=1)
            self._waiting[key] = row
            self._revision = revision
            self._lock.notify()

    async def saved(self) -> None:
        """Return once everything noted so far is on disk; raises `Broken` when a commit fails."""
        if self._safe >= self._revision:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            if self._safe >= self._revision:
                return
            self._waiters.append((self._revision, waiter))
        await waiter

    async def close(self) -> None:
        """Write what waits, and end."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        while (batch := self._take()) is not None:
            rows, revision = batch
            try:
                connection = connection or _opened(self._path)
                _commit(connection, rows, revision)
            except sqlite3.Error as error:
                self._tell(revision, _broken(self._path, error))
                if not self._give_back(rows):
                    break
            else:
                self._safe = revision
                self._tell(revision, None)
        if connection is not None:
            connection.close()

    def _take(self) -> tuple[dict[Key, Row | None], int] | None:
        with self._lock:
            while not self._waiting:
                if self._closing:
                    return None
                self._lock.wait()
            rows, self._waiting = self._waiting, {}
            return rows, self._revision

    def _give_back(self, rows: dict[Key, Row | None]) -> bool:
        """Put back what could not be written, below what came since; whether to try again."""
        with self._lock:
            self._waiting = rows | self._waiting
            self._lock.wait_for(lambda: self._closing, RETRY)
            return not self._closing

    def _tell(self, revision: int, fault: Fault | None) -> None:
        with self._lock:
            told = [waiter for upto, waiter in self._waiters if upto <= revision]
            self._waiters = [(upto, waiter) for upto, waiter in self._waiters if upto > revision]
        if told:
            self._loop.call_soon_threadsafe(_settle, told, fault)


def _settle(waiters: list[asyncio.Future[None]], fault: Fault | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if fault is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(fault)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_SCHEMA)
    return connection


def _commit(connection: sqlite3.Connection, rows: dict[Key, Row | None], revision: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(_PUT, ((*key, row.raw) for key, row in rows.items() if row is not None))
        connection.executemany(_DROP, (key for key, row in rows.items() if row is None))
        connection.execute(_COUNT, (revision,))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _broken(path: Path, error: sqlite3.Error) -> Broken:
    return Broken("sandbox-disk", f"{path.name} can't be used for the sandbox's objects: {error}")
