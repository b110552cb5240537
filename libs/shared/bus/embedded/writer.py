"""The one thread that writes: what waits at one moment is one transaction and one fsync."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from libs.shared.bus.embedded.faults import translated
from libs.shared.bus.embedded.log import Log
from libs.shared.errors import Broken, Fault
from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.values import Clock

_ENOUGH_JOBS = 512
"""Jobs in one transaction; none is waited for beyond these."""


@dataclass(slots=True)
class Append:
    """Envelopes to append, with their bodies; filled by the writer with a position for each, and which are new."""

    batch: Sequence[Envelope]
    bodies: Sequence[str]
    future: asyncio.Future[Any]
    positions: list[int] = field(default_factory=list)
    fresh: list[bool] = field(default_factory=list)
    sent: int = 0

    def settle(self, fault: Fault | None) -> None:
        """Tell the publisher, if it still waits."""
        _answer(self.future, None, fault)


@dataclass(slots=True)
class Call:
    """Anything else that writes: `run` is called in the transaction, its result is the future's."""

    run: Callable[[Log], Any]
    future: asyncio.Future[Any]
    result: Any = None

    def settle(self, fault: Fault | None) -> None:
        """Tell the caller, if it still waits."""
        _answer(self.future, self.result, fault)


def _answer(future: asyncio.Future[Any], result: object, fault: Fault | None) -> None:
    if future.done():
        return
    if fault is None:
        future.set_result(result)
    else:
        future.set_exception(type(fault)(fault.slug, fault.text, retry_after=fault.retry_after, public=fault.public))


Job = Append | Call
Settle = Callable[[Sequence[Job], Fault | None], None]


class Writer:
    """Takes jobs from the event loop and settles them there, in order: `settle(jobs, fault)`."""

    def __init__(
        self, log: Log, path: Path, *, clock: Clock, failpoints: Failpoints, settle: Settle, end: int, last_sent: int
    ) -> None:
        self._log = log
        self._path = path
        self._clock = clock
        self._failpoints = failpoints
        self._settle = settle
        self._end = end
        self._last_sent = last_sent
        self._jobs: SimpleQueue[Sequence[Job] | None] = SimpleQueue()
        self._held: list[Job] = []
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name=f"bus-writer {path.name}", daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job; the caller bounds how many. The thread gets what one turn of the loop brings as one: woken for
        the first, it would commit it alone and fight the loop for the interpreter. Raises `Broken` once it has ended.
        """
        if not self._thread.is_alive():
            raise Broken("bus-stopped", f"the writer of bus log {self._path} has ended; start the process anew")
        if not self._held:
            self._loop.call_soon(self._hand_over)
        self._held.append(job)

    def _hand_over(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._jobs.put(held)

    async def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._hand_over()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        last = False
        while not last:
            jobs, last = self._gathered()
            fault: Fault | None = Broken("bus-stopped", f"the writer of bus log {self._path} has failed")
            try:
                fault = self._committed(jobs) if jobs else None
            finally:  # whatever happened, nobody waits for ever
                if jobs:
                    self._loop.call_soon_threadsafe(self._settle, jobs, fault)

    def _gathered(self) -> tuple[list[Job], bool]:
        """Wait for a job, then take what else waits; and whether the end was among them."""
        jobs: list[Job] = []
        more = self._jobs.get()
        while more is not None:
            jobs += more
            if len(jobs) >= _ENOUGH_JOBS:
                return jobs, False
            try:
                more = self._jobs.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    def _committed(self, jobs: Sequence[Job]) -> Fault | None:
        """Commit them all, or none and say why."""
        end, last_sent = self._end, self._last_sent
        try:
            self._log.begin()
            self._append([job for job in jobs if isinstance(job, Append)])
            for job in jobs:
                if isinstance(job, Call):
                    job.result = job.run(self._log)
            self._failpoints.hit("bus.before-commit")
            self._log.commit()
        except (sqlite3.Error, Broken) as error:
            self._end, self._last_sent = end, last_sent
            return self._undone(error)
        return None

    def _undone(self, error: sqlite3.Error | Broken) -> Fault:
        try:
            self._log.rollback()
        except sqlite3.Error as second:
            return translated(second, self._path)
        return translated(error, self._path) if isinstance(error, sqlite3.Error) else error

    def _append(self, jobs: Sequence[Append]) -> None:
        """Give each new id the next position; an id given before, or twice here, gets the position that it has."""
        if not jobs:
            return
        self._last_sent = max(self._last_sent, int(self._clock().timestamp() * 1_000_000))
        rows: list[tuple[int, str, str, int, str]] = []
        given: dict[str, int] = {}
        for job in jobs:
            job.sent = self._last_sent
            for envelope, body in zip(job.batch, job.bodies, strict=True):
                new = envelope.id not in given
                if new:
                    self._end += 1
                    given[envelope.id] = self._end
                    rows.append((self._end, envelope.id, envelope.type, self._last_sent, body))
                job.fresh.append(new)
                job.positions.append(given[envelope.id])
        if standing := self._log.append(rows):
            for job in jobs:
                job.fresh = [f and e.id not in standing for f, e in zip(job.fresh, job.batch, strict=True)]
                job.positions = [standing.get(e.id, p) for p, e in zip(job.positions, job.batch, strict=True)]
