"""One transaction for many units: check what each read, write what each put, one revision, one fsync.

Memory of recent writes answers nearly all checks without a query; it is a cache of the file and is only changed once a
transaction has committed.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

import orjson

from libs.shared.errors import Exists, Fault
from libs.shared.failpoints import Failpoints
from libs.shared.store.canonical import moment
from libs.shared.store.protocol import Index
from libs.shared.store.sqlite.commit import INBOX, Commit, Conflicted, Done, Kept, Ref, Row, Write
from libs.shared.store.sqlite.files import fault
from libs.shared.store.sqlite.schema import Layout, members

Verdict = Done | Conflicted | Fault

_RECENT: Final = 20_000
_SUBJECTS: Final = 20_000

_EVENT: Final = "INSERT INTO outbox VALUES (" + ", ".join("?" * 14) + ", NULL, NULL)"
_CHANGE: Final = "INSERT INTO changes VALUES (" + ", ".join("?" * 9) + ")"


@dataclass(slots=True)
class Recent:
    """At which revision what was last written, for the newest writes; `floor` for anything older."""

    floor: int
    refs: OrderedDict[Ref, int] = field(default_factory=OrderedDict)
    collections: dict[str, int] = field(default_factory=dict)

    def written(self, ref: Ref) -> int:
        """A revision at or after which it has not been written."""
        return max(self.floor, self.refs.get(ref, 0))

    def collection_written(self, collection: str) -> int:
        """The same for a whole collection."""
        return max(self.collections.get(collection, self.floor), 0)

    def add(self, refs: dict[Ref, int]) -> None:
        """Take in a committed transaction's writes."""
        for ref, revision in refs.items():
            self.refs[ref] = revision
            self.refs.move_to_end(ref)
            self.collections[ref[0]] = revision
        while len(self.refs) > _RECENT:
            self.floor = max(self.floor, self.refs.popitem(last=False)[1])


@dataclass(slots=True)
class Attempt:
    """What one transaction will have changed, if it commits."""

    revision: int
    position: int
    number: int
    refs: dict[Ref, int] = field(default_factory=dict)
    versions: dict[Ref, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    sequences: dict[str, int] = field(default_factory=dict)
    changes: list[Kept] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """One transaction's verdicts, in the order of its units, and what it told."""

    verdicts: list[Verdict]
    changes: Sequence[Kept] = ()
    events: int = 0


class _Refused(Exception):
    """A unique index refused a unit."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class Groups:
    """The writer thread's side of the file."""

    def __init__(self, connection: sqlite3.Connection, file: Path, keep: int, failpoints: Failpoints) -> None:
        self._connection = connection
        self._file = file
        self._keep = keep
        self._failpoints = failpoints
        revision, position = connection.execute("SELECT revision, position FROM state").fetchone()
        self.revision: int = revision
        self._position: int = position
        self._number: int = connection.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
        self._recent = Recent(revision)
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._pending: tuple[Attempt, Outcome] | None = None

    def commit(self, commits: Sequence[Commit]) -> Outcome:
        """Commit them together; a failure that belongs to none of them runs them again one by one."""
        self._pending = None
        try:
            return self._together(commits)
        except (sqlite3.Error, Fault) as error:
            standing = self._standing()
            if standing is not None:
                return standing
            if len(commits) == 1:
                return Outcome([fault(error, self._file) if isinstance(error, sqlite3.Error) else error])
        merged = Outcome([])
        for commit in commits:
            alone = self.commit([commit])
            merged.verdicts += alone.verdicts
            merged.changes = [*merged.changes, *alone.changes]
            merged.events += alone.events
        return merged

    def run(self, job: Callable[[sqlite3.Connection], None]) -> None:
        """Another piece of upkeep in a transaction of its own."""
        self._begin()
        try:
            job(self._connection)
            self._connection.execute("COMMIT")
        finally:
            self._rollback()

    def _together(self, commits: Sequence[Commit]) -> Outcome:
        try:
            return self._transaction(commits, careful=len(commits) == 1)
        except _Refused:
            return self._transaction(commits, careful=True)

    def _transaction(self, commits: Sequence[Commit], *, careful: bool) -> Outcome:
        attempt = Attempt(self.revision + 1, self._position, self._number)
        verdicts: list[Verdict] = []
        events = 0
        self._begin()
        try:
            for commit in commits:
                verdict = self._checked(commit, attempt) or self._applied(commit, attempt, careful=careful)
                verdicts.append(verdict)
                if isinstance(verdict, Done):
                    events += len(commit.events)
            outcome = Outcome(verdicts, attempt.changes, events)
            if attempt.ids:
                self._finish(attempt, outcome)
        finally:
            self._rollback()
        return outcome

    def _finish(self, attempt: Attempt, outcome: Outcome) -> None:
        values = (attempt.revision, attempt.position)
        self._connection.execute("UPDATE state SET revision = ?, position = ?", values)
        if attempt.number > self._number:
            self._connection.execute("DELETE FROM changes WHERE number <= ?", (attempt.number - self._keep,))
        self._failpoints.hit("store.before-commit")
        self._pending = (attempt, outcome)
        self._connection.execute("COMMIT")
        self._failpoints.hit("store.after-commit")
        self._remember(attempt)

    def _remember(self, attempt: Attempt) -> None:
        self.revision, self._position, self._number = attempt.revision, attempt.position, attempt.number
        self._recent.add(attempt.refs)
        for subject, value in attempt.sequences.items():
            self._sequences[subject] = value
            self._sequences.move_to_end(subject)
        while len(self._sequences) > _SUBJECTS:
            self._sequences.popitem(last=False)

    def _begin(self) -> None:
        self._rollback()
        self._connection.execute("BEGIN IMMEDIATE")

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _standing(self) -> Outcome | None:
        """A failure may come when all was durable already: the units' ids, in their own transaction, tell."""
        if self._pending is None:
            return None
        attempt, outcome = self._pending
        try:
            self._rollback()
            stands = self.committed(next(iter(attempt.ids)))
        except sqlite3.Error:
            return None
        if stands:
            self._remember(attempt)
        return outcome if stands else None

    def committed(self, unit: str) -> bool:
        """Whether a unit of this id has committed."""
        return self._connection.execute("SELECT 1 FROM units WHERE id = ?", (unit,)).fetchone() is not None

    def _checked(self, commit: Commit, attempt: Attempt) -> Verdict | None:
        """Why the unit can't commit now; None when all that it read still stands."""
        if commit.given and (commit.id in attempt.ids or self.committed(commit.id)):
            return _twice(commit)
        changed = next(chain(self._changed(commit, attempt), self._changed_finds(commit, attempt)), None)
        return None if changed is None else Conflicted(changed)

    def _changed(self, commit: Commit, attempt: Attempt) -> Iterator[str]:
        for ref, version in commit.reads.items():
            if ref in attempt.refs or (self._recent.written(ref) > commit.known and self._version(ref) != version):
                yield "/".join(ref)
        for write in commit.writes:
            ref = (write.layout.name, write.key)
            if write.before is None and self._recent.written(ref) > commit.known:
                yield "/".join(ref)  # it came and went meanwhile: its version would fall

    def _changed_finds(self, commit: Commit, attempt: Attempt) -> Iterator[str]:
        for seen in commit.finds:
            if self._still(seen.collection, seen.revision, attempt):
                continue
            if self._connection.execute(seen.text, seen.values).fetchall() != seen.answer:
                yield seen.collection

    def _still(self, collection: str, revision: int, attempt: Attempt) -> bool:
        if self._recent.collection_written(collection) > revision:
            return False
        return all(ref[0] != collection for ref in attempt.refs)

    def _version(self, ref: Ref) -> int:
        collection, key = ref
        if collection == INBOX:
            consumer, _, event = key.partition("\0")
            row = self._connection.execute("SELECT 1 FROM inbox WHERE consumer = ? AND event = ?", (consumer, event))
        else:
            row = self._connection.execute(f'SELECT version FROM "doc_{collection}" WHERE key = ?', (key,))
        found = row.fetchone()
        return int(found[0]) if found else 0

    def _applied(self, commit: Commit, attempt: Attempt, *, careful: bool) -> Verdict:
        if not commit.effective:
            return Done(self.revision)
        if careful:
            self._connection.execute("SAVEPOINT unit")
        try:
            self._apply(commit, attempt)
        except _Refused as refused:
            if not careful:
                raise
            self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
            return refused.verdict
        if careful:
            self._connection.execute("RELEASE unit")
        return Done(attempt.revision)

    def _apply(self, commit: Commit, attempt: Attempt) -> None:
        at = moment(commit.at)
        try:
            self._connection.execute("INSERT INTO units VALUES (?, ?)", (commit.id, at))
            for consumer, event in commit.notes:
                self._connection.execute("INSERT INTO inbox VALUES (?, ?, ?)", (consumer, event, at))
        except sqlite3.IntegrityError as error:
            again = Conflicted(f"unit {commit.id}")  # the id or a note stands, written by another
            raise _Refused(again) from error
        self._write(commit.writes, attempt.revision)
        changes = [kept for kept in (_change(write, attempt.revision) for write in commit.writes) if kept]
        for number, kept in enumerate(changes, attempt.number + 1):
            self._connection.execute(_CHANGE, _change_row(number, kept))
        sequences = self._emit(commit, attempt, at)
        # from here on nothing can fail: the attempt takes the unit in
        attempt.sequences.update(sequences)
        attempt.position += len(commit.events)
        attempt.number += len(changes)
        attempt.changes += changes
        attempt.ids.add(commit.id)
        for write in commit.writes:
            attempt.refs[write.layout.name, write.key] = attempt.revision
        for consumer, event in commit.notes:
            attempt.refs[INBOX, f"{consumer}\0{event}"] = attempt.revision

    def _emit(self, commit: Commit, attempt: Attempt, at: str) -> dict[str, int]:
        sequences: dict[str, int] = {}
        for position, (event, version) in enumerate(commit.events, attempt.position + 1):
            last = sequences.get(event.subject) or attempt.sequences.get(event.subject)
            sequence = (last or self._sequence(event.subject)) + 1
            sequences[event.subject] = sequence
            row = (position, event.id, event.type, event.source, event.subject, at, event.data, sequence, version)
            why = (event.workspace, event.actor, event.correlationid, event.causationid, event.traceparent)
            self._connection.execute(_EVENT, row + why)
        for item in sequences.items():
            self._connection.execute("INSERT OR REPLACE INTO sequences VALUES (?, ?)", item)
        return sequences

    def _sequence(self, subject: str) -> int:
        known = self._sequences.get(subject)
        if known is not None:
            return known
        row = self._connection.execute("SELECT value FROM sequences WHERE subject = ?", (subject,)).fetchone()
        return int(row[0]) if row else 0

    def _write(self, writes: Sequence[Write], revision: int) -> None:
        """Removals first, and rows under unique indexes out before any goes in: two may swap a value in one unit."""
        swapping = len(writes) > 1
        for write in writes:
            if write.before and (write.body is None or (swapping and write.layout.uniques)):
                self._connection.execute(f"DELETE FROM {write.layout.table} WHERE key = ?", (write.key,))
            self._list(write, write.before.body if write.before else None, add=False)
        for write in writes:
            if write.body is None:
                continue
            try:
                self._put(write, write.body, revision, anew=swapping and bool(write.layout.uniques))
                self._list(write, write.body, add=True)
            except sqlite3.IntegrityError as error:
                raise _Refused(_taken(write, error)) from error

    def _put(self, write: Write, body: str, revision: int, *, anew: bool) -> None:
        if write.before is None or anew:
            text = f"INSERT INTO {write.layout.table} (version, revision, body, key) VALUES (?, ?, ?, ?)"
        else:
            text = f"UPDATE {write.layout.table} SET version = ?, revision = ?, body = ? WHERE key = ?"
        self._connection.execute(text, (write.version, revision, body, write.key))

    def _list(self, write: Write, body: str | None, *, add: bool) -> None:
        if body is None or not write.layout.lists:
            return
        decoded = orjson.loads(body)
        for name, table in write.layout.lists.items():
            text = f"INSERT INTO {table} VALUES (?, ?)" if add else f"DELETE FROM {table} WHERE value = ? AND key = ?"
            for value in members(name, decoded):
                self._connection.execute(text, (value, write.key))


def _twice(commit: Commit) -> Exists:
    return Exists("unit-committed", f"a unit of the id {commit.id} has committed already", name=commit.id)


def _change(write: Write, revision: int) -> Kept | None:
    if not write.layout.watched:
        return None
    after = None if write.body is None else Row(write.key, write.version, revision, write.body)
    return Kept(revision, write.layout.name, write.key, write.before, after)


def _change_row(number: int, kept: Kept) -> tuple[int | str | None, ...]:
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
    return Exists("value-taken", f"another {layout.name} has the {shown} already", resource=layout.name, name=write.key)
