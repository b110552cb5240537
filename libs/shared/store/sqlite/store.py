"""The embedded store: one SQLite file a service, one writer thread, readers beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Concatenate, Final, Generic, ParamSpec, TypeVar

from libs.shared.errors import Broken, Busy, Fault, Invalid, Stale
from libs.shared.event import Told, current_cause
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import ALL, Change, Document, Find, Migration, Reader, Unit
from libs.shared.store.sqlite.books import Books
from libs.shared.store.sqlite.changes import ChangeLog, loaded
from libs.shared.store.sqlite.commit import Conflicted, Row
from libs.shared.store.sqlite.files import Lock, backup, check, connect, fault, unclean
from libs.shared.store.sqlite.group import Groups, Outcome
from libs.shared.store.sqlite.outbox import SqliteOutbox
from libs.shared.store.sqlite.query import counting, selecting
from libs.shared.store.sqlite.reads import Reads, document
from libs.shared.store.sqlite.schema import Layout, layout, prepare
from libs.shared.store.sqlite.sweeping import Old, sweep
from libs.shared.store.sqlite.unit import SqliteUnit, missing
from libs.shared.store.sqlite.writer import Writer
from libs.shared.values import Clock, Ids

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D", bound=Document)

RUNS: Final = 20
"""How often a work is run before its conflicts become `Stale`."""
CROWD: Final = 3
"""Conflicts after which a work queues with others like it, so that one of them always gets on."""
IN_FLIGHT: Final = 1_024
"""Units that may be under way; more wait."""
WAITING: Final = 8_192
"""Units that may wait for that; more are refused as `Busy`."""
DRAIN: Final = 2.0
"""Seconds that closing waits for units under way."""
ID: Final = 256
"""Characters of a unit's id."""
CHANGES: Final = 4_096
"""Changes kept for watchers."""


class SqliteStore:
    """One service's store in a file. Made by `open_store`."""

    def __init__(self, file: Path, lock: Lock, *, books: Books, writer: Writer, log: ChangeLog, clock: Clock) -> None:
        self._file = file
        self._lock = lock
        self._books = books
        self._writer = writer
        self._log = log
        self._clock = clock
        self._outbox = SqliteOutbox(books.reads, writer, clock)
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._crowd = asyncio.Lock()
        self._entered = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False
        writer.committed = self._committed

    @property
    def outbox(self) -> SqliteOutbox:
        """Events that wait to be told."""
        return self._outbox

    @property
    def unindexed(self) -> frozenset[tuple[str, str]]:
        """Collection and condition of the queries so far that read a whole collection, for want of an index."""
        return frozenset(self._books.unindexed)

    async def transact(
        self, work: Callable[Concatenate[Unit, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run the work and commit; see the protocol."""
        return await self._transact("", lambda unit: work(unit, *args, **kwargs))

    async def transact_once(
        self, unit_id: str, work: Callable[Concatenate[Unit, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """The same, once an id; see the protocol."""
        if not unit_id or len(unit_id) > ID:
            raise Invalid("unit-id", f"a unit's id has 1 to {ID} characters")
        return await self._transact(unit_id, lambda unit: work(unit, *args, **kwargs))

    async def _transact(self, given: str, work: Callable[[SqliteUnit], Awaitable[R]]) -> R:
        if self._closed:
            raise Broken("store-closed", f"{self._file}: the store is closed")
        if self._entered >= IN_FLIGHT + WAITING:
            raise Busy("store-busy", f"{self._file.stem}: {self._entered} units wait already", retry_after=1)
        self._entered += 1
        self._empty.clear()
        try:
            async with self._room:
                for run in range(RUNS):
                    if run < CROWD:
                        answer = await self._run(given, work)
                    else:
                        async with self._crowd:
                            answer = await self._run(given, work)
                    if answer is not None:
                        return answer[0]
        finally:
            self._entered -= 1
            if not self._entered:
                self._empty.set()
        raise Stale("stale", f"{self._file.stem}: what was read kept changing over {RUNS} runs; try again")

    async def _run(self, given: str, work: Callable[[SqliteUnit], Awaitable[R]]) -> tuple[R] | None:
        """One run of the work; None when it conflicted and is to be run again."""
        cause = current_cause()
        unit_id = given or self._books.ids()
        unit = SqliteUnit(unit_id, self._clock(), cause, self._books, self._writer.revision, bool(given))
        committed = False
        try:
            result = await self._worked(unit, work)
            if result is None:
                return None
            commit = unit.seal()
            if not commit.effective and len(commit.reads) + len(commit.finds) <= 1:
                committed = True
                return result
            verdict = await self._writer.commit(commit)
            if isinstance(verdict, Fault):
                raise verdict
            if isinstance(verdict, Conflicted):
                return None
            committed = True
            unit.settle(verdict.revision)
            cause.told.extend(Told(event.name, event.id) for event, _ in unit.events)
            return result
        finally:
            if not committed:
                unit.undo()

    async def _worked(self, unit: SqliteUnit, work: Callable[[SqliteUnit], Awaitable[R]]) -> tuple[R] | None:
        """What the work answered, or None to run it again: a refusal counts only if it rests on one state."""
        try:
            return (await work(unit),)
        except Fault:
            if len(unit.reads) + len(unit.finds) > 1:
                unit.pending.clear()
                unit.events.clear()
                unit.notes.clear()
                unit.given = False
                if isinstance(await self._writer.commit(unit.seal()), Conflicted):
                    return None
            raise

    def of(self, kind: type[D]) -> Reader[D]:
        """Reading outside of any unit, as of now."""
        return StoreReader(self._books, kind, self._books.layout(kind))

    async def revision(self) -> int:
        """The store's present revision."""
        return self._writer.revision

    async def snapshot(self, kind: type[D], find: Find = ALL) -> tuple[int, list[D]]:
        """Documents and the revision that they were read at."""
        kept = self._books.layout(kind)
        query = selecting(kept, find)
        self._books.note_unindexed(kept, query)

        def read(connection: sqlite3.Connection) -> tuple[int, list[D]]:
            revision = connection.execute("SELECT revision FROM state").fetchone()[0]
            return revision, _documents(connection, kind, kept, query.text, query.values)

        return await self._books.reads.run(read)

    def changes(self, after: int, kinds: Sequence[type[Document]]) -> AsyncGenerator[Sequence[Change], None]:
        """Changes of watched documents, in order, for ever."""
        for kind in kinds:
            if not self._books.layout(kind).watched:
                raise Invalid("kind-unwatched", f"{kind.__name__} is not WATCHED, so its changes are not kept")
        return self._log.follow(after, kinds)

    async def sweep_inbox(self, older_than: datetime) -> int:
        """Forget inbox notes, and ids of units, older than this; how many notes."""
        await sweep(self._writer, Old.UNITS, older_than)
        return await sweep(self._writer, Old.INBOX, older_than)

    async def outcome(self, unit_id: str) -> bool:
        """Whether a unit of this id has committed."""
        return bool(await self._books.reads.query("SELECT 1 FROM units WHERE id = ?", (unit_id,)))

    async def backup(self, target: str) -> None:
        """An online, consistent copy."""
        await asyncio.to_thread(backup, self._file, Path(target))

    async def ready(self) -> None:
        """Return when it can commit; raises `Busy` or `Broken` with the reason when it can't."""
        await self._writer.run(lambda connection: connection.execute("UPDATE state SET revision = revision"))

    async def close(self) -> None:
        """Finish what was begun, then let go of every file and task."""
        if self._closed:
            return
        self._closed = True
        self._log.close()
        self._outbox.rouse()
        with suppress(TimeoutError):  # a work that does not end: its unit is refused by the closed writer
            await asyncio.wait_for(self._empty.wait(), DRAIN)
        await self._writer.close()
        await self._books.reads.close()
        self._lock.release()

    def _committed(self, outcome: Outcome, revision: int) -> None:
        self._log.add(outcome.changes, revision)
        if outcome.events:
            self._outbox.committed(outcome.events)


@dataclass(frozen=True, slots=True)
class StoreReader(Generic[D]):
    """Reading one collection outside of any unit."""

    books: Books
    kind: type[D]
    layout: Layout

    async def get(self, key: str) -> D:
        """The document; raises `Missing`."""
        found = await self.look(key)
        if found is None:
            raise missing(self.layout, key)
        return found

    async def look(self, key: str) -> D | None:
        """The document, or None."""
        row = self.books.reads.row(self.layout, key)
        return None if row is None else document(self.kind, row)

    async def find(self, find: Find = ALL) -> list[D]:
        """The documents that match, in order."""
        query = selecting(self.layout, find)
        self.books.note_unindexed(self.layout, query)
        text = f"SELECT key, version, revision, body FROM {self.layout.table}{query.text}"
        rows = self.books.reads.at_once(text, query.values)
        if rows is not None:
            return [document(self.kind, Row(*row)) for row in rows]
        return await self.books.reads.run(
            lambda connection: _documents(connection, self.kind, self.layout, query.text, query.values)
        )

    async def count(self, find: Find = ALL) -> int:
        """How many match, whatever limit and offset."""
        query = counting(self.layout, find)
        self.books.note_unindexed(self.layout, query)
        text = f"SELECT count(*) FROM {self.layout.table}{query.text}"
        return int((await self.books.reads.query(text, query.values))[0][0])


def _documents(
    connection: sqlite3.Connection, kind: type[D], kept: Layout, text: str, values: Sequence[object]
) -> list[D]:
    select = f"SELECT key, version, revision, body FROM {kept.table}{text}"
    return [document(kind, Row(*row)) for row in connection.execute(select, values)]


async def open_store(
    path: str | Path,
    documents: Sequence[type[Document]],
    *,
    clock: Clock,
    ids: Ids,
    source: str,
    failpoints: Failpoints,
    migrations: Sequence[Migration] = (),
    changes: int = CHANGES,
) -> SqliteStore:
    """Open the file, making it when it is not there, and bring it to this program's form.

    `documents` are all kinds that it keeps; `source` is the CloudEvents source of its events; `changes` is how many
    are kept for watchers. Raises, naming file and remedy, `Busy` when another process has it or no space is left,
    `Broken` when it can't be used (damaged, newer, foreign, read-only).
    """
    file = Path(path)
    layouts = {kind.collection(): layout(kind) for kind in documents}
    lock = Lock(file)
    with ExitStack() as undo:
        undo.callback(lock.release)
        form = _Form(file, layouts, tuple(migrations), source, changes)
        groups, log = await asyncio.to_thread(_opened, form, clock, failpoints)
        reads = Reads(file)
        undo.pop_all()
    writer = Writer(groups, file, source)
    books = Books(layouts, reads, ids, source, lambda: writer.revision)
    store = SqliteStore(file, lock, books=books, writer=writer, log=log, clock=clock)
    writer.start()
    return store


@dataclass(frozen=True, slots=True)
class _Form:
    """What the file is to be."""

    file: Path
    layouts: Mapping[str, Layout]
    migrations: tuple[Migration, ...]
    source: str
    changes: int


def _opened(form: _Form, clock: Clock, failpoints: Failpoints) -> tuple[Groups, ChangeLog]:
    crashed = unclean(form.file)
    connection = connect(form.file)
    try:
        check(connection, form.file, crashed=crashed)
        prepare(connection, form.file, tuple(form.layouts.values()), form.migrations, form.source)
        groups = Groups(connection, form.file, form.changes, failpoints)
        return groups, loaded(connection, form.layouts, clock, form.changes, groups.revision)
    except sqlite3.Error as error:
        connection.close()
        raise fault(error, form.file) from error
    except Fault:
        connection.close()
        raise
