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
from typing import Any, Final

import orjson

from libs.shared.errors import Exists, Fault
from libs.shared.failpoints import Failpoints
from libs.shared.store.matching import matches
from libs.shared.store.sqlite.batch import Batch, write_one
from libs.shared.store.sqlite.commit import INBOX, Commit, Conflicted, Done, Kept, Ref, Seen, Write
from libs.shared.store.sqlite.files import fault

Verdict = Done | Conflicted | Fault

_RECENT: Final = 20_000
_SUBJECTS: Final = 20_000


@dataclass(slots=True)
class Recent:
    """At which revision what was last written, for the newest writes; `floor` for anything older."""

    floor: int
    refs: OrderedDict[Ref, int] = field(default_factory=OrderedDict)
    collections: dict[str, int] = field(default_factory=dict)

    def written(self, ref: Ref) -> int:
        """A revision after which it has not been written."""
        return self.refs.get(ref, self.floor)

    def collection_written(self, collection: str) -> int:
        """The same for a whole collection."""
        return self.collections.get(collection, self.floor)

    def add(self, refs: set[Ref], revision: int) -> None:
        """Take in a committed transaction's writes."""
        for ref in refs:
            self.refs[ref] = revision
            self.refs.move_to_end(ref)
            self.collections[ref[0]] = revision
        while len(self.refs) > _RECENT:
            self.floor = max(self.floor, self.refs.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Errand:
    """Upkeep that needs no fsync of its own: it is written with the next transaction. `done` is called on the loop."""

    text: str
    rows: Sequence[tuple[Any, ...]]
    done: Callable[[], None]


@dataclass(slots=True)
class Attempt:
    """What one transaction will have changed, if it commits."""

    revision: int
    position: int
    number: int
    refs: set[Ref] = field(default_factory=set)
    written: dict[str, list[Write]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    sequences: dict[str, int] = field(default_factory=dict)
    changes: list[Kept] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)

    def take(self, commit: Commit, batch: Batch) -> None:
        """A unit whose rows are in the batch is in."""
        self.ids.add(commit.id)
        for write in commit.writes:
            self.refs.add((write.layout.name, write.key))
            self.written.setdefault(write.layout.name, []).append(write)
        self.refs.update((INBOX, f"{consumer}\0{event}") for consumer, event in commit.notes)
        self.position += len(commit.events)
        self.sequences.update(batch.sequences)

    def told(self, batch: Batch) -> None:
        """A batch is written: its changes and events will be told."""
        self.number += len(batch.changes)
        self.changes += batch.changes
        self.events += batch.events


@dataclass(slots=True)
class Outcome:
    """One transaction's verdicts, in the order of its units, and what it told."""

    verdicts: list[Verdict]
    changes: Sequence[Kept] = ()
    events: Sequence[tuple[Any, ...]] = ()
    errands: Sequence[Errand] = ()


class _Refused(Exception):
    """An index refused a unit."""

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
        self.position: int = position
        """Of the newest committed event."""
        self._number: int = connection.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
        self._recent = Recent(revision)
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._pending: tuple[Attempt, Outcome] | None = None
        self.errands: list[Errand] = []

    def commit(self, commits: Sequence[Commit]) -> Outcome:
        """Commit them together; a failure that belongs to none of them runs them again one by one."""
        self._pending = None
        try:
            return self._together(commits)
        except (sqlite3.Error, Fault) as error:
            standing = self._standing()
            if standing is not None:
                return standing
            if len(commits) <= 1:
                refusal = fault(error, self._file) if isinstance(error, sqlite3.Error) else error
                return Outcome([refusal] * len(commits))
        alone = [self.commit([commit]) for commit in commits]
        return Outcome(
            [verdict for one in alone for verdict in one.verdicts],
            [kept for one in alone for kept in one.changes],
            [event for one in alone for event in one.events],
            [errand for one in alone for errand in one.errands],
        )

    def run(self, job: Callable[[sqlite3.Connection], None]) -> None:
        """Another piece of upkeep in a transaction of its own."""
        self._begin()
        try:
            job(self._connection)
            self._connection.execute("COMMIT")
        finally:
            self._rollback()

    def committed(self, unit: str) -> bool:
        """Whether a unit of this id has committed."""
        return self._connection.execute("SELECT 1 FROM units WHERE id = ?", (unit,)).fetchone() is not None

    def close(self) -> None:
        """Fold the log into the file and let go of it. A full disk keeps the log, which the next opening reads."""
        try:
            self._rollback()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            return
        finally:
            self._connection.close()

    def _together(self, commits: Sequence[Commit]) -> Outcome:
        try:
            return self._transaction(commits, self._apply_all)
        except sqlite3.IntegrityError:  # one of them runs into an index: which one, shows one by one
            return self._transaction(commits, self._apply_each)

    def _transaction(
        self, commits: Sequence[Commit], apply: Callable[[Sequence[Commit], Attempt], list[Verdict]]
    ) -> Outcome:
        attempt = Attempt(self.revision + 1, self.position, self._number)
        errands = tuple(self.errands)
        self._begin()
        try:
            for errand in errands:
                self._connection.executemany(errand.text, errand.rows)
            verdicts = apply(commits, attempt)
            outcome = Outcome(verdicts, attempt.changes, attempt.events, errands)
            if attempt.ids or errands:
                self._finish(attempt, outcome)
        finally:
            self._rollback()
        return outcome

    def _apply_all(self, commits: Sequence[Commit], attempt: Attempt) -> list[Verdict]:
        """Check all, then write what they put table by table."""
        batch = Batch(attempt.revision)
        last = self._last_sequences(commits)
        verdicts: list[Verdict] = []
        for commit in commits:
            verdict = self._checked(commit, attempt)
            if verdict is None and commit.effective:
                batch.add(commit, last, attempt.position)
                attempt.take(commit, batch)
            verdicts.append(verdict or Done(attempt.revision if commit.effective else self.revision))
        batch.write(self._connection, attempt.number)
        attempt.told(batch)
        return verdicts

    def _apply_each(self, commits: Sequence[Commit], attempt: Attempt) -> list[Verdict]:
        """Check and write them one by one, each within a savepoint."""
        return [self._checked(commit, attempt) or self._apply_one(commit, attempt) for commit in commits]

    def _apply_one(self, commit: Commit, attempt: Attempt) -> Verdict:
        if not commit.effective:
            return Done(self.revision)
        batch = Batch(attempt.revision)
        batch.add(commit, self._last_sequences([commit]) | attempt.sequences, attempt.position)
        batch.writes = []
        self._connection.execute("SAVEPOINT unit")
        try:
            batch.write(self._connection, attempt.number)
            write_one(self._connection, commit.writes, attempt.revision)
        except (sqlite3.IntegrityError, Exists) as error:
            self._connection.execute("ROLLBACK TO unit")
            # the id or a note stands, written by another
            return error if isinstance(error, Exists) else Conflicted(f"unit {commit.id}")
        finally:
            self._connection.execute("RELEASE unit")
        attempt.take(commit, batch)
        attempt.told(batch)
        return Done(attempt.revision)

    def _finish(self, attempt: Attempt, outcome: Outcome) -> None:
        if attempt.ids:
            values = (attempt.revision, attempt.position)
            self._connection.execute("UPDATE state SET revision = ?, position = ?", values)
        if attempt.number > self._number:
            self._connection.execute("DELETE FROM changes WHERE number <= ?", (attempt.number - self._keep,))
        self._failpoints.hit("store.before-commit")
        self._pending = (attempt, outcome)
        self._connection.execute("COMMIT")
        self._failpoints.hit("store.after-commit")
        self._remember(attempt, outcome)

    def _remember(self, attempt: Attempt, outcome: Outcome) -> None:
        del self.errands[: len(outcome.errands)]
        if not attempt.ids:
            return
        self.revision, self.position, self._number = attempt.revision, attempt.position, attempt.number
        self._recent.add(attempt.refs, attempt.revision)
        for subject, value in attempt.sequences.items():
            self._sequences[subject] = value
            self._sequences.move_to_end(subject)
        while len(self._sequences) > _SUBJECTS:
            self._sequences.popitem(last=False)

    def _standing(self) -> Outcome | None:
        """A failure may come when all was durable already: the units' ids, in their own transaction, tell."""
        if self._pending is None or not self._pending[0].ids:
            return None
        attempt, outcome = self._pending
        try:
            self._rollback()
            stands = self.committed(next(iter(attempt.ids)))
        except sqlite3.Error:
            return None
        if stands:
            self._remember(attempt, outcome)
        return outcome if stands else None

    def _begin(self) -> None:
        self._rollback()
        self._connection.execute("BEGIN IMMEDIATE")

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _checked(self, commit: Commit, attempt: Attempt) -> Verdict | None:
        """Why the unit can't commit now; None when all that it read still stands."""
        if commit.given and (commit.id in attempt.ids or self.committed(commit.id)):
            return Exists("unit-committed", f"a unit of the id {commit.id} has committed already", name=commit.id)
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
        """Finds whose answer changed, by what has committed since or by what stands before it in this transaction."""
        for seen in commit.finds:
            beside = attempt.written.get(seen.collection, ())
            later = self._recent.collection_written(seen.collection) > seen.revision
            if any(_touches(write, seen) for write in beside) or (later and not self._same(seen)):
                yield seen.collection

    def _same(self, seen: Seen) -> bool:
        return self._connection.execute(seen.text, seen.values).fetchall() == seen.answer

    def _version(self, ref: Ref) -> int:
        collection, key = ref
        if collection == INBOX:
            text, values = "SELECT 1 FROM inbox WHERE consumer = ? AND event = ?", tuple(key.split("\0", 1))
        else:
            text, values = f'SELECT version FROM "doc_{collection}" WHERE key = ?', (key,)
        found = self._connection.execute(text, values).fetchone()
        return int(found[0]) if found else 0

    def _last_sequences(self, commits: Sequence[Commit]) -> dict[str, int]:
        """The last sequence of each subject that they tell of."""
        subjects = {event.subject for commit in commits for event, _ in commit.events}
        found = {subject: self._sequences[subject] for subject in subjects if subject in self._sequences}
        unknown = sorted(subjects - found.keys())
        for start in range(0, len(unknown), 128):
            some = unknown[start : start + 128]
            marks = ", ".join("?" * len(some))
            text = f"SELECT subject, value FROM sequences WHERE subject IN ({marks})"
            found.update(self._connection.execute(text, some).fetchall())
        return found


def _touches(write: Write, seen: Seen) -> bool:
    """Whether the document matches the find before or after this write."""
    bodies = (write.before.body if write.before else None, write.body)
    return any(all(matches(orjson.loads(body), clause) for clause in seen.where) for body in bodies if body is not None)
