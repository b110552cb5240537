"""The file's tables and indexes, and the stamp that says which version of them a file has.

A collection is a table; a declared index is an SQLite index over JSON expressions; a list field is indexed by a side
table with a row a member. Indexes follow the declarations at each opening.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from libs.shared.errors import Broken, Invalid
from libs.shared.store.fields import Shape, path, values
from libs.shared.store.protocol import Document, Index, Migration

APPLICATION: Final = 0x4F525259
"""`ORRY`: SQLite's application_id, by which a file is known as ours."""
FORMAT: Final = 1
"""Version of the tables below: SQLite's user_version."""

_TABLES: Final = """
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, position INTEGER NOT NULL,
    schema INTEGER NOT NULL, source TEXT NOT NULL);
CREATE TABLE units (id TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX units_at ON units (at);
CREATE TABLE inbox (consumer TEXT NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (consumer, event)) WITHOUT ROWID;
CREATE INDEX inbox_at ON inbox (at);
CREATE TABLE sequences (subject TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (position INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
    subject TEXT NOT NULL, time TEXT NOT NULL, data TEXT NOT NULL, sequence INTEGER NOT NULL, version INTEGER NOT NULL,
    workspace TEXT NOT NULL, actor TEXT NOT NULL, correlationid TEXT NOT NULL, causationid TEXT NOT NULL,
    traceparent TEXT NOT NULL, told TEXT, bus_position TEXT);
CREATE INDEX outbox_waiting ON outbox (position) WHERE told IS NULL;
CREATE INDEX outbox_told ON outbox (told) WHERE told IS NOT NULL;
CREATE TABLE changes (number INTEGER PRIMARY KEY, revision INTEGER NOT NULL, collection TEXT NOT NULL,
    key TEXT NOT NULL, before_version INTEGER, before_revision INTEGER, before_body TEXT,
    after_version INTEGER, after_body TEXT);
"""

_OURS: Final = """
SELECT name, type FROM sqlite_master
WHERE (type = 'index' AND name LIKE 'ix\\_%' ESCAPE '\\') OR (type = 'table' AND name LIKE 'list\\_%' ESCAPE '\\')
"""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How one kind lies in the file."""

    kind: type[Document]
    name: str
    table: str
    lists: dict[str, str]
    """Side table, quoted, by list field."""
    lone: frozenset[str]
    """Fields whose only index is a unique one of their own: searched by its expression."""
    leading: frozenset[str]
    """Fields that some index starts with."""
    uniques: dict[str, Index]
    """Unique index by its name in the file."""

    @property
    def watched(self) -> bool:
        """Whether its changes are kept."""
        return self.kind.WATCHED

    @property
    def keyed(self) -> str:
        """The field that is its key."""
        return self.kind.KEY


def layout(kind: type[Document]) -> Layout:
    """Work out a kind's tables; raises `Invalid` for a declaration that can't be indexed."""
    name = kind.collection()
    if not _NAME.match(name):
        raise Invalid("collection-name", f"{name!r} is no collection name: letters, digits, dot, dash, underscore")
    lists: dict[str, str] = {}
    for index in kind.INDEXES:
        for field in index.fields:
            resolved = path(kind, field)
            if resolved.shape is Shape.OPEN:
                raise Invalid("index-untyped", f"{name}.{field} is untyped and can't be indexed; give it a type")
            if resolved.shape is Shape.MANY:
                lists[field] = _quoted(f"list_{name}_{field}")
        if index.unique and len(index.fields) > 1 and any(field in lists for field in index.fields):
            raise Invalid("index-unique-list", f"{name}: a unique index over a list field has that field alone")
    plain = [index.fields for index in kind.INDEXES if not index.unique or len(index.fields) > 1]
    starts = {fields[0] for fields in plain}
    lone = (
        {index.fields[0] for index in kind.INDEXES if index.unique and len(index.fields) == 1} - starts - lists.keys()
    )
    uniques = {_index_name(name, index): index for index in kind.INDEXES if index.unique}
    leading = frozenset(starts | lone | lists.keys() | {kind.KEY})
    return Layout(kind, name, _quoted(f"doc_{name}"), lists, frozenset(lone), leading, uniques)


def extract(field: str) -> str:
    """The SQL expression of a field: spelled in one way, since SQLite matches an index by its text."""
    return f"json_extract(body, '{json_path(field)}')"


def lone_extract(field: str) -> str:
    """The expression of a field's own unique index: NULLs, and so empty texts, never collide."""
    return f"nullif({extract(field)}, '')"


def json_path(field: str) -> str:
    """A dotted path in SQLite's spelling; raises `Invalid` for parts that can't be spelled."""
    parts = field.split(".")
    if not all(re.fullmatch(r"[\w/@~+-]+", part) for part in parts):
        raise Invalid("field-name", f"{field!r} is no dotted field path")
    return "$" + "".join(f'."{part}"' for part in parts)


def members(field: str, body: dict[str, Any]) -> list[Any]:
    """What a side table holds of this document, each member once."""
    found = dict.fromkeys(values(body, tuple(field.split("."))))
    return [int(value) if isinstance(value, bool) else value for value in found]


def prepare(
    connection: sqlite3.Connection, file: Path, kinds: Sequence[Layout], migrations: Sequence[Migration], source: str
) -> None:
    """Bring the file to this program's form in one transaction; raises `Broken` for a newer or foreign file."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        fresh = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        target = max((migration.to for migration in migrations), default=0)
        if fresh:
            _create(connection, target, source)
        _refuse_foreign(connection, file, target)
        for kept in kinds:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {kept.table} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
                " version INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL)"
            )
        _migrate(connection, migrations)
        _index(connection, file, kinds)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _create(connection: sqlite3.Connection, schema: int, source: str) -> None:
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    connection.execute("INSERT INTO state VALUES (1, 0, 0, ?, ?)", (schema, source))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _refuse_foreign(connection: sqlite3.Connection, file: Path, target: int) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise Broken("store-foreign", f"{file}: this SQLite file is another program's; name another file")
    form = connection.execute("PRAGMA user_version").fetchone()[0]
    schema = connection.execute("SELECT schema FROM state").fetchone()[0]
    if form > FORMAT or schema > target:
        has, knows = (f"format {form}", f"{FORMAT}") if form > FORMAT else (f"schema {schema}", f"{target}")
        text = f"{file}: written by a newer program ({has}, this one knows {knows}); run that, or restore a backup"
        raise Broken("store-newer", text)


def _migrate(connection: sqlite3.Connection, migrations: Iterable[Migration]) -> None:
    schema = connection.execute("SELECT schema FROM state").fetchone()[0]
    for migration in sorted(migrations, key=lambda one: one.to):
        if migration.to <= schema:
            continue
        table = _quoted(f"doc_{migration.collection}")
        if not connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = ?", (f"doc_{migration.collection}",)
        ).fetchone():
            continue
        for number, body in connection.execute(f"SELECT id, body FROM {table}").fetchall():
            changed = migration.change(orjson.loads(body))
            if changed is None:
                connection.execute(f"DELETE FROM {table} WHERE id = ?", (number,))
                continue
            text = orjson.dumps(changed, option=orjson.OPT_SORT_KEYS).decode()
            connection.execute(f"UPDATE {table} SET body = ? WHERE id = ?", (text, number))
    target = max((migration.to for migration in migrations), default=0)
    if target > schema:
        connection.execute("UPDATE state SET schema = ?", (target,))
        connection.execute("DELETE FROM changes")  # their bodies have the old form


def _index(connection: sqlite3.Connection, file: Path, kinds: Sequence[Layout]) -> None:
    wanted = {name: text for kept in kinds for index in kept.kind.INDEXES for name, text in _statements(kept, index)}
    standing = dict(connection.execute(_OURS).fetchall())
    for name in standing.keys() - wanted.keys():
        connection.execute(f"DROP {standing[name]} IF EXISTS {_quoted(name)}")
    for kept, field in [(kind, field) for kind in kinds for field in kind.lists]:
        if f"list_{kept.name}_{field}" not in standing:
            connection.execute(wanted[f"list_{kept.name}_{field}"])
            _fill(connection, kept, field)
    for name in sorted(wanted.keys() - standing.keys()):
        if name.startswith("ix_"):
            _create_index(connection, file, name, wanted[name])


def _create_index(connection: sqlite3.Connection, file: Path, name: str, statement: str) -> None:
    try:
        connection.execute(statement)
    except sqlite3.IntegrityError as error:
        text = f"{file}: the unique index {name} can't be made: stored documents share a value; a migration is missing"
        raise Broken("store-not-unique", text) from error


def _statements(kept: Layout, index: Index) -> Iterator[tuple[str, str]]:
    """The index's SQL by name in the file: side tables for its list fields, an index for the rest."""
    unique = _index_name(kept.name, index)
    for field in (field for field in index.fields if field in kept.lists):
        table = kept.lists[field]
        columns = "value NOT NULL, key TEXT NOT NULL, PRIMARY KEY (value, key)"
        yield f"list_{kept.name}_{field}", f"CREATE TABLE {table} ({columns}) WITHOUT ROWID"
        if index.unique:
            yield unique, f"CREATE UNIQUE INDEX {_quoted(unique)} ON {table} (nullif(value, ''))"
    plain = [field for field in index.fields if field not in kept.lists]
    if plain and index.unique:
        fields = ", ".join(lone_extract(field) for field in plain)
        yield unique, f"CREATE UNIQUE INDEX {_quoted(unique)} ON {kept.table} ({fields})"
    if plain and (not index.unique or len(plain) > 1):
        name = f"ix_{kept.name}_{'_'.join(plain)}"
        fields = ", ".join(extract(field) for field in plain)
        yield name, f"CREATE INDEX {_quoted(name)} ON {kept.table} ({fields}, key)"


def _fill(connection: sqlite3.Connection, kept: Layout, field: str) -> None:
    rows = connection.execute(f"SELECT key, body FROM {kept.table}").fetchall()
    connection.executemany(
        f"INSERT INTO {kept.lists[field]} VALUES (?, ?)",
        [(value, key) for key, body in rows for value in members(field, orjson.loads(body))],
    )


def _index_name(collection: str, index: Index) -> str:
    return f"ix_{collection}_{'_'.join(index.fields)}_unique"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
