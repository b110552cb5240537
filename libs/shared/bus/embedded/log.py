"""The log's file: rows with growing positions, and the cursors of groups. Synchronous; called from two threads, each
with a connection of its own.

What touches many rows is one statement that does its loop inside SQLite. A step of a statement gives up Python's
interpreter lock and has to win it back from a busy event loop, which takes up to 5 ms: row by row, that made a
commit of 64 rows 400 ms long.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from libs.shared.bus.embedded.faults import faults
from libs.shared.bus.embedded.lock import private
from libs.shared.bus.types import Types
from libs.shared.errors import Broken

APPLICATION = 1330795074
"""`ORRB` in ASCII: tells a bus log from any other SQLite file."""
SCHEMA_VERSION = 1
_SCHEMA = """
BEGIN;
CREATE TABLE log (
  position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, type TEXT NOT NULL, sent INTEGER NOT NULL, body NOT NULL
);
CREATE UNIQUE INDEX log_id ON log (id);
CREATE TABLE cursor (name TEXT PRIMARY KEY, types TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO mark VALUES ('trimmed', 0), ('probe', 0);
PRAGMA application_id = 1330795074;
PRAGMA user_version = 1;
COMMIT;
"""
_APPEND = """
INSERT INTO log (position, id, type, sent, body)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?) WHERE true
ON CONFLICT (id) DO NOTHING
"""
_SCAN = 20_000
"""Positions looked at for one page, so that a rare type can't make one read long."""
_TRIM = 10_000
"""Rows removed in one transaction."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kept message: `sent` in microseconds since 1970."""

    position: int
    sent: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows after a position; everything up to `scanned` was looked at."""

    rows: Sequence[Row]
    scanned: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What a trim removed: everything up to `floor`; `lost` counts by group what it had not had."""

    floor: int
    rows: int
    lost: dict[str, int]


@dataclass(frozen=True, slots=True)
class Trim:
    """What to remove: rows sent before `before` (microseconds) that every group has had, then the oldest, whoever had
    them, until the file's used part is at most `most_bytes`. `had` and `types` are by group.
    """

    before: int
    most_bytes: int
    had: dict[str, int]
    types: dict[str, Types]


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL with a full sync at each commit; raises `Broken` or `Busy`."""
    os.close(private(path))  # SQLite would make it for everybody to read
    with faults(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            connection.text_factory = bytes
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; refuse a foreign one and one of a newer version with `Broken`."""
    with faults(path):
        application = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
        if not tables and not application:
            connection.executescript(_SCHEMA)
            return
    if application != APPLICATION:
        raise Broken("bus-foreign", f"{path} is a SQLite file, and no bus log; give another path")
    if version != SCHEMA_VERSION:
        raise Broken("bus-newer", f"bus log {path} has version {version}; this program reads {SCHEMA_VERSION}")


def _number(connection: sqlite3.Connection, query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0] or 0) if row else 0


def _wanted(types: Types) -> tuple[str, list[str]]:
    """The condition on `type`, with its values; what can't be read (type '') is everybody's."""
    terms = [f"type IN ({','.join('?' * (len(types.exact) + 1))})"]
    values = ["", *sorted(types.exact)]
    for prefix in types.prefixes:
        terms.append("substr(type, 1, ?) = ?")
        values += [str(len(prefix)), prefix]
    return f"({' OR '.join(terms)})", values


class Log:
    """The file through one connection."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def begin(self) -> None:
        """Begin a transaction."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget it, if there is one."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def append(self, rows: Sequence[tuple[int, str, str, int, str]]) -> dict[str, int]:
        """Append rows of (position, id, type, sent, body); gives the positions of ids that stood already, which are
        not appended again. The rows' positions are above all that stand.
        """
        cursor = self._connection.execute(_APPEND, (orjson.dumps(rows).decode(),))
        if cursor.rowcount == len(rows):
            return {}
        found = self._connection.execute(
            "SELECT id, position FROM log WHERE id IN (SELECT value FROM json_each(?))",
            (orjson.dumps([row[1] for row in rows]).decode(),),
        )
        offered = {(row[1], row[0]) for row in rows}
        standing = ((bytes(key).decode(), int(position)) for key, position in found.fetchall())
        return {key: position for key, position in standing if (key, position) not in offered}

    def end(self) -> int:
        """The highest position ever given."""
        return _number(self._connection, "SELECT seq FROM sqlite_sequence WHERE name = 'log'")

    def last_sent(self) -> int:
        """When the last kept message was sent, in microseconds; 0 for none."""
        return _number(self._connection, "SELECT sent FROM log ORDER BY position DESC LIMIT 1")

    def floor(self) -> int:
        """The highest position that retention removed."""
        return _number(self._connection, "SELECT value FROM mark WHERE name = 'trimmed'")

    def probe(self) -> None:
        """Write something, to know that writing works."""
        self._connection.execute("UPDATE mark SET value = value + 1 WHERE name = 'probe'")

    def page(self, after: int, types: Types, limit: int, end: int) -> Rows:
        """Up to `limit` wanted rows with `after < position <= end`."""
        last = min(end, after + _SCAN)
        wanted, values = _wanted(types)
        select = (
            f"SELECT position, sent, body FROM log WHERE position > ? AND position <= ? AND {wanted} "  # noqa: S608  # placeholders
            "ORDER BY position LIMIT ?"
        )
        rows = self._fetched(select, (after, last, *values, limit))
        return Rows(rows, rows[-1].position if len(rows) == limit else last)

    def _fetched(self, select: str, values: tuple[object, ...]) -> list[Row]:
        """All rows in one step; row by row where a body is no text, which only foreign bytes are."""
        gathered = f"SELECT json_group_array(json_array(position, sent, body)) FROM ({select})"  # noqa: S608  # our own text
        try:
            (text,) = self._connection.execute(gathered, values).fetchone()
            return [Row(position, sent, body.encode()) for position, sent, body in orjson.loads(text)]
        except (sqlite3.OperationalError, orjson.JSONDecodeError, AttributeError):
            rows = self._connection.execute(select, values).fetchall()
        return [Row(p, sent, body if isinstance(body, bytes) else str(body).encode()) for p, sent, body in rows]

    def before(self, moment: int) -> int:
        """The last position sent before this moment (microseconds). `sent` never falls, so halving finds it."""
        low, high = self.floor(), self.end()
        while low < high:
            middle = (low + high + 1) // 2
            row = self._connection.execute(
                "SELECT position, sent FROM log WHERE position <= ? ORDER BY position DESC LIMIT 1", (middle,)
            ).fetchone()
            if row is None or row[0] <= low or row[1] < moment:
                low = middle
            else:
                high = row[0] - 1
        return low

    def pending(self, after: int, types: Types) -> tuple[int, int]:
        """How many wanted rows stand after a position, and when the oldest was sent (0 for none)."""
        wanted, values = _wanted(types)
        row = self._connection.execute(
            f"SELECT count(*), min(sent) FROM log WHERE position > ? AND {wanted}",  # noqa: S608  # placeholders
            (after, *values),
        ).fetchone()
        return int(row[0]), int(row[1] or 0)

    def cursors(self) -> dict[str, tuple[str, str]]:
        """The kept groups: name -> types and state, as `keep` was given them."""
        rows = self._connection.execute("SELECT name, types, state FROM cursor").fetchall()
        return {name.decode(): (types.decode(), state.decode()) for name, types, state in rows}

    def keep(self, cursors: Sequence[tuple[str, str, str]]) -> None:
        """Keep groups, each as (name, types, state)."""
        self._connection.execute(
            "INSERT OR REPLACE INTO cursor SELECT value->>0, value->>1, value->>2 FROM json_each(?)",
            (orjson.dumps(cursors).decode(),),
        )

    def trim(self, order: Trim) -> Trimmed:
        """Remove some of what may go, at most 10,000 rows; call again until it removes none."""
        old = min(self.before(order.before), min(order.had.values(), default=self.end()))
        cut = max(self._oldest(old), self._excess(order.most_bytes))
        if cut <= self.floor():
            return Trimmed(self.floor(), 0, {})
        lost = {name: n for name, had in order.had.items() if (n := self._missed(had, cut, order.types[name]))}
        removed = self._connection.execute("DELETE FROM log WHERE position <= ?", (cut,)).rowcount
        self._connection.execute("UPDATE mark SET value = ? WHERE name = 'trimmed'", (cut,))
        return Trimmed(cut, removed, lost)

    def _oldest(self, up_to: int) -> int:
        """The last of the oldest rows up to a position, as many as one transaction removes."""
        return _number(
            self._connection,
            "SELECT max(position) FROM (SELECT position FROM log WHERE position <= ? ORDER BY position LIMIT ?)",
            up_to,
            _TRIM,
        )

    def _excess(self, most_bytes: int) -> int:
        pages = _number(self._connection, "PRAGMA page_count") - _number(self._connection, "PRAGMA freelist_count")
        excess = pages * _number(self._connection, "PRAGMA page_size") - most_bytes
        if excess <= 0:
            return 0
        return _number(
            self._connection,
            "SELECT max(position) FROM (SELECT position, sum(length(body)) OVER (ORDER BY position) - length(body) AS "
            "earlier FROM (SELECT position, body FROM log ORDER BY position LIMIT ?)) WHERE earlier < ?",
            _TRIM,
            excess,
        )

    def _missed(self, had: int, cut: int, types: Types) -> int:
        wanted, values = _wanted(types)
        return _number(
            self._connection,
            f"SELECT count(*) FROM log WHERE position > ? AND position <= ? AND {wanted}",  # noqa: S608  # placeholders
            had,
            cut,
            *values,
        )
