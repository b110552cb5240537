"""The one thread that writes: it takes whatever units wait, commits them as a group, and hands the verdicts back."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from libs.shared.errors import Broken, Fault
from libs.shared.store.sqlite.commit import Commit
from libs.shared.store.sqlite.files import fault
from libs.shared.store.sqlite.group import Groups, Outcome, Verdict

GROUP: Final = 256
"""Units in one transaction, at most."""


@dataclass(slots=True)
class _Job:
    """Upkeep that runs in a transaction of its own."""

    run: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    failed: Fault | None = None


@dataclass(slots=True)
class _Waiting:
    commit: Commit
    future: asyncio.Future[Verdict]


class Writer:
    """Owns the writing connection and its thread. `committed` is called on the loop after each group."""

    def __init__(self, open_groups: Callable[[], tuple[sqlite3.Connection, Groups]], file: Any, name: str) -> None:
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | _Job | None] = queue.SimpleQueue()
        self._connection, self._groups = open_groups()
        self.committed: Callable[[Outcome, int], None] = lambda _outcome, _revision: None
        self._thread = threading.Thread(target=self._run, name=f"store {name}", daemon=True)
        self._closed = False

    @property
    def revision(self) -> int:
        """The newest committed revision; may be ahead of what the loop was told."""
        return self._groups.revision

    def start(self) -> None:
        """Begin to take units."""
        self._thread.start()

    async def commit(self, commit: Commit) -> Verdict:
        """Its verdict, once durable."""
        self._refuse_closed()
        future: asyncio.Future[Verdict] = self._loop.create_future()
        self._queue.put(_Waiting(commit, future))
        return await future

    async def run(self, job: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run upkeep in the writer's thread, in a transaction; returns what it returns."""
        self._refuse_closed()
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Job(job, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, end the thread."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Broken("store-closed", f"{self._file}: the store is closed")

    def _run(self) -> None:
        ended = False
        while not ended:
            items, ended = self._gathered()
            group = [item for item in items if isinstance(item, _Waiting)]
            jobs = [item for item in items if isinstance(item, _Job)]
            if group:
                outcome = self._groups.commit([waiting.commit for waiting in group])
                self._loop.call_soon_threadsafe(self._publish, group, outcome, self._groups.revision)
            for job in jobs:
                self._work(job)
                self._loop.call_soon_threadsafe(_answer, job)
        self._shut()

    def _gathered(self) -> tuple[Sequence[_Waiting | _Job], bool]:
        first = self._queue.get()
        if first is None:
            return (), True
        items = [first]
        while len(items) < GROUP:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return items, True
            items.append(item)
        return items, False

    def _work(self, job: _Job) -> None:
        def kept(connection: sqlite3.Connection) -> None:
            job.result = job.run(connection)

        try:
            self._groups.run(kept)
        except sqlite3.Error as error:
            job.failed = fault(error, self._file)
        except Fault as error:
            job.failed = error

    def _publish(self, group: Sequence[_Waiting], outcome: Outcome, revision: int) -> None:
        self.committed(outcome, revision)
        for waiting, verdict in zip(group, outcome.verdicts, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(verdict)

    def _shut(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:  # a full disk keeps the log: it is read again at the next opening, nothing is lost
            pass
        finally:
            self._connection.close()


def _answer(job: _Job) -> None:
    if job.future.done():
        return
    if job.failed is not None:
        job.future.set_exception(job.failed)
    else:
        job.future.set_result(job.result)
