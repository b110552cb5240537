"""The one thread that writes: it takes whatever units wait, commits them as a group, and hands the verdicts back."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from libs.shared.errors import Broken, Fault
from libs.shared.store.sqlite.commit import Commit
from libs.shared.store.sqlite.files import fault
from libs.shared.store.sqlite.group import Errand, Groups, Outcome, Verdict

GROUP: Final = 256
"""Units in one transaction, at most."""
PATIENCE: Final = 0.02
"""Seconds that errands wait for a unit to go with."""
RETRY: Final = 1.0
"""Seconds until errands are tried again that the disk refused."""


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


_Item = _Waiting | _Job | Errand


class Writer:
    """Owns the writing connection and its thread. `committed` is called on the loop after each group."""

    def __init__(self, groups: Groups, file: Path, name: str) -> None:
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Sequence[_Item] | None] = queue.SimpleQueue()
        self._held: list[_Item] = []
        self._groups = groups
        self.committed: Callable[[Outcome, int], None] = lambda _outcome, _revision: None
        self._thread = threading.Thread(target=self._run, name=f"store {name}", daemon=True)
        self._closed = False
        self._taken: Sequence[_Waiting | _Job] = ()

    @property
    def revision(self) -> int:
        """The newest committed revision; may be ahead of what the loop was told."""
        return self._groups.revision

    @property
    def position(self) -> int:
        """Position of the newest committed event; may be ahead as well."""
        return self._groups.position

    def start(self) -> None:
        """Begin to take units."""
        self._thread.start()

    async def commit(self, commit: Commit) -> Verdict:
        """Its verdict, once durable."""
        self._refuse_closed()
        future: asyncio.Future[Verdict] = self._loop.create_future()
        self._hand(_Waiting(commit, future))
        return await future

    async def run(self, job: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run upkeep in the writer's thread, in a transaction; returns what it returns."""
        self._refuse_closed()
        future: asyncio.Future[Any] = self._loop.create_future()
        self._hand(_Job(job, future))
        return await future

    def errand(self, errand: Errand) -> None:
        """Have it written with the next transaction."""
        self._refuse_closed()
        self._hand(errand)

    def _hand(self, item: _Item) -> None:
        """Give it to the thread together with what else this turn of the loop brings: a thread woken for the first
        would commit it alone, while the rest of the turn fights it for the interpreter.
        """
        if not self._held:
            self._loop.call_soon(self._hand_over)
        self._held.append(item)

    def _hand_over(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._queue.put(held)

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, end the thread."""
        if self._closed:
            return
        self._closed = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Broken("store-closed", f"{self._file}: the store is closed")

    def _run(self) -> None:
        try:
            while self._serve():
                pass
        finally:
            self._loop.call_soon_threadsafe(self._abandon)
            self._groups.close()

    def _serve(self) -> bool:
        """One round: a group, then the upkeep that waited with it; False when told to end."""
        items, ended = self._gathered()
        self._taken = [item for item in items if not isinstance(item, Errand)]
        group = [item for item in items if isinstance(item, _Waiting)]
        self._groups.errands += [item for item in items if isinstance(item, Errand)]
        jobs = [item for item in items if isinstance(item, _Job)]
        if group or self._groups.errands:
            outcome = self._groups.commit([waiting.commit for waiting in group])
            self._loop.call_soon_threadsafe(self._publish, group, outcome, self._groups.revision)
        for job in jobs:
            self._work(job)
            self._loop.call_soon_threadsafe(_answer, job)
        return not ended

    def _gathered(self) -> tuple[Sequence[_Item], bool]:
        """What waits, at most a group; errands alone wait a little for company."""
        items: list[_Item] = []
        hurried = False
        limit = time.monotonic() + PATIENCE
        while len(items) < GROUP:
            try:
                more = self._queue.get_nowait() if hurried else self._queue.get(timeout=self._patience(items, limit))
            except queue.Empty:
                break
            if more is None:
                return items, True
            items += more
            hurried = hurried or any(not isinstance(item, Errand) for item in more)
        return items, False

    def _patience(self, items: Sequence[_Item], limit: float) -> float | None:
        if items:
            return max(limit - time.monotonic(), 0)
        return RETRY if self._groups.errands else None

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
        for errand in outcome.errands:
            errand.done()
        for waiting, verdict in zip(group, outcome.verdicts, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(verdict)

    def _abandon(self) -> None:
        """The thread has ended: nobody waits for it in vain."""
        self._closed = True
        left: list[_Item] = [*self._taken, *self._held]
        while not self._queue.empty():
            left += self._queue.get_nowait() or ()
        for item in left:
            if isinstance(item, _Waiting | _Job) and not item.future.done():
                item.future.set_exception(Broken("store-closed", f"{self._file}: the store is closed"))


def _answer(job: _Job) -> None:
    if job.future.done():
        return
    if job.failed is not None:
        job.future.set_exception(job.failed)
    else:
        job.future.set_result(job.result)
