"""Reading beside the writer: what is quick on the loop's own connection, what is long in a reader's thread.

A point read costs a few microseconds, less than handing it to a thread; a query that turns out to need more than a
bounded number of steps is given up there and run again in a thread, so no scan blocks the loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from libs.shared.errors import Broken
from libs.shared.store.canonical import decoded
from libs.shared.store.protocol import Document, Stamp
from libs.shared.store.sqlite.commit import Row
from libs.shared.store.sqlite.files import connect, fault
from libs.shared.store.sqlite.schema import Layout

D = TypeVar("D", bound=Document)
T = TypeVar("T")

READERS: Final = 2
STEPS: Final = 2_500
"""Steps of SQLite's machine, once or twice as many a query may take on the loop: some 0.2 ms."""
ROWS: Final = 64
"""Rows that a query may give on the loop."""


class Reads:
    """Connections for reading."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inline = connect(file, readonly=True)
        self._inline.set_progress_handler(self._long, STEPS)
        self._strikes = 0
        self._idle: deque[sqlite3.Connection] = deque()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix=f"read {file.stem}")
        self._closed = False

    def _long(self) -> bool:
        """SQLite counts a statement's steps over all its runs, so the first call says little and the second enough."""
        self._strikes += 1
        return self._strikes > 1

    def row(self, kept: Layout, key: str) -> Row | None:
        """The stored document of this key, at once."""
        found = self.at_once(f"SELECT version, revision, body FROM {kept.table} WHERE key = ?", (key,))
        return Row(key, *found[0]) if found else None

    def at_once(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """A query's rows if it is quick, None if it is not."""
        if self._closed:
            raise Broken("store-closed", f"{self._file}: the store is closed")
        self._strikes = 0
        try:
            cursor = self._inline.execute(text, values)
            rows = cursor.fetchmany(ROWS + 1)
            cursor.close()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                return None
            raise fault(error, self._file) from error
        return rows if len(rows) <= ROWS else None

    async def query(self, text: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """A query's rows, here or in a thread."""
        rows = self.at_once(text, values)
        if rows is not None:
            return rows
        return await self.run(lambda connection: connection.execute(text, values).fetchall())

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a reader's thread, all of it seeing one state of the file."""
        if self._closed:
            raise Broken("store-closed", f"{self._file}: the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._consistent, job)

    def _consistent(self, job: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.pop() if self._idle else connect(self._file, readonly=True)
        try:
            connection.execute("BEGIN")
            try:
                return job(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise fault(error, self._file) from error
        finally:
            self._idle.append(connection)

    async def close(self) -> None:
        """End the threads and close the connections."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        for connection in (self._inline, *self._idle):
            connection.close()
        self._idle.clear()


def document(kind: type[D], row: Row) -> D:
    """The row's document, decoded once."""
    if row.document is None:
        row.document = decoded(kind, row.key, row.body).stamped(Stamp(row.revision, row.version))
    return cast("D", row.document)
