"""The rows of one transaction, gathered from its units and written table by table, many rows a statement.

Few statements matter more than quick ones: each hands Python's lock over and has to win it back from the event loop.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from libs.shared.errors import Exists
from libs.shared.store.canonical import moment
from libs.shared.store.protocol import Index
from libs.shared.store.sqlite.commit import Commit, Kept, Row, Write
from libs.shared.store.sqlite.schema import Layout, members

Values = tuple[Any, ...]

_CHUNKS: Final = (128, 32, 8, 1)
"""Rows a statement: few sizes, so that the statements stay prepared."""


@dataclass(slots=True)
class Batch:
    """What units put, as rows by table."""

    revision: int
    units: list[Values] = field(default_factory=list)
    notes: list[Values] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    events: list[Values] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)
    changes: list[Kept] = field(default_factory=list)

    def add(self, commit: Commit, last: Mapping[str, int], position: int) -> None:
        """Take a unit in. `last` holds the sequences of its subjects so far; its first event comes after `position`."""
        at = moment(commit.at)
        self.units.append((commit.id, at))
        self.notes += [(consumer, event, at) for consumer, event in commit.notes]
        self.writes += commit.writes
        for write in commit.writes:
            if write.layout.watched:
                self.changes.append(_change(write, self.revision))
        for place, (event, version) in enumerate(commit.events, position + 1):
            sequence = self.sequences.get(event.subject, last.get(event.subject, 0)) + 1
            self.sequences[event.subject] = sequence
            self.events.append(
                (
                    *(place, event.id, event.type, event.source, event.subject, at, event.data, sequence, version),
                    *(event.workspace, event.actor, event.correlationid, event.causationid, event.traceparent),
                )
            )

    def write(self, connection: sqlite3.Connection, number: int) -> None:
        """Write it all; changes are numbered after `number`. Raises sqlite3.IntegrityError when an index refuses."""
        insert(connection, "units (id, at)", self.units)
        insert(connection, "inbox (consumer, event, at)", self.notes)
        for layout, writes in self._by_layout().items():
            _replace(connection, layout, writes, self.revision)
        insert(connection, f"outbox ({EVENT})", self.events)
        upsert = " ON CONFLICT (subject) DO UPDATE SET value = excluded.value"
        insert(connection, "sequences (subject, value)", list(self.sequences.items()), upsert)
        rows = [_change_row(place, kept) for place, kept in enumerate(self.changes, number + 1)]
        insert(connection, f"changes ({CHANGE})", rows)

    def _by_layout(self) -> dict[Layout, list[Write]]:
        found: dict[Layout, list[Write]] = {}
        for write in self.writes:
            found.setdefault(write.layout, []).append(write)
        return found


EVENT: Final = (
    "position, id, type, source, subject, time, data, sequence, version,"
    " workspace, actor, correlationid, causationid, traceparent"
)
CHANGE: Final = (
    "number, revision, collection, key, before_version, before_revision, before_body, after_version, after_body"
)


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[Values], upsert: str = "") -> None:
    """Insert rows in as few statements as their number allows."""
    for chunk in _chunks(rows):
        one = "(" + ", ".join("?" * len(chunk[0])) + ")"
        values = [value for row in chunk for value in row]
        connection.execute(f"INSERT INTO {into} VALUES {', '.join([one] * len(chunk))}{upsert}", values)


def delete(connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[Values]) -> None:
    """Delete the rows that have these values."""
    for chunk in _chunks(rows):
        one = "(" + ", ".join("?" * len(chunk[0])) + ")"
        values = [value for row in chunk for value in row]
        text = f"DELETE FROM {table} WHERE ({columns}) IN (VALUES {', '.join([one] * len(chunk))})"
        connection.execute(text, values)


def _chunks(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _replace(connection: sqlite3.Connection, layout: Layout, writes: Sequence[Write], revision: int) -> None:
    """One collection's rows and its lists' side tables; what is given up goes before what is taken."""
    gone: dict[str, list[Values]] = defaultdict(list)
    come: dict[str, list[Values]] = defaultdict(list)
    for write in writes:
        _list(write, gone, come)
    for table, rows in gone.items():
        delete(connection, table, "value, key", rows)
    delete(connection, layout.table, "key", [(write.key,) for write in writes if write.body is None])
    rows = [(write.key, write.version, revision, write.body) for write in writes if write.body is not None]
    upsert = (
        " ON CONFLICT (key) DO UPDATE SET version = excluded.version, revision = excluded.revision,"
        " body = excluded.body"
    )
    insert(connection, f"{layout.table} (key, version, revision, body)", rows, upsert)
    for table, rows in come.items():
        insert(connection, f"{table} (value, key)", rows)


def _list(write: Write, gone: dict[str, list[Values]], come: dict[str, list[Values]]) -> None:
    """The members that a write takes out of the side tables, and those that it brings."""
    if not write.layout.lists:
        return
    before = orjson.loads(write.before.body) if write.before else {}
    after = orjson.loads(write.body) if write.body is not None else {}
    for name, table in write.layout.lists.items():
        had, has = members(name, before), members(name, after)
        gone[table] += [(value, write.key) for value in had if value not in has]
        come[table] += [(value, write.key) for value in has if value not in had]


def write_one(connection: sqlite3.Connection, writes: Sequence[Write], revision: int) -> None:
    """One unit's documents row by row: two may swap a unique value, and a refusal names its document.

    Raises `Exists`.
    """
    for write in writes:
        if write.before is not None and write.layout.uniques:
            delete(connection, write.layout.table, "key", [(write.key,)])
            for name, table in write.layout.lists.items():
                rows = [(value, write.key) for value in members(name, orjson.loads(write.before.body))]
                delete(connection, table, "value, key", rows)
    for write in writes:
        bare = write.layout.uniques and write.body is not None
        alone = Write(write.layout, write.key, write.version, write.body, None) if bare else write
        try:
            _replace(connection, write.layout, (alone,), revision)
        except sqlite3.IntegrityError as error:
            raise _taken(write, error) from error


def _change(write: Write, revision: int) -> Kept:
    after = None if write.body is None else Row(write.key, write.version, revision, write.body)
    return Kept(revision, write.layout.name, write.key, write.before, after)


def _change_row(number: int, kept: Kept) -> Values:
    before, after = kept.before, kept.after
    return (
        number,
        kept.revision,
        kept.collection,
        kept.key,
        *((before.version, before.revision, before.body) if before else (None, None, None)),
        *((after.version, after.body) if after else (None, None)),
    )


def _taken(write: Write, error: sqlite3.IntegrityError) -> Exists:
    """Which declared index refused, and which value."""
    layout, text = write.layout, str(error)
    for name, index in layout.uniques.items():
        if f"'{name}'" in text:
            return _exists(layout, index, write)
    return Exists("exists", f"{layout.name}/{write.key} exists already", resource=layout.name, name=write.key)


def _exists(layout: Layout, index: Index, write: Write) -> Exists:
    body = orjson.loads(write.body or "{}")
    held = {name: members(name, body) for name in index.fields}
    shown = ", ".join(f"{name} {' or '.join(map(str, found))}" for name, found in held.items())
    text = f"another {layout.name} has the {shown} already"
    return Exists("value-taken", text, resource=layout.name, name=write.key)
