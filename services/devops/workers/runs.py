"""Carrying runs on: whoever holds the lease goes on with those that run, and begins others when their turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs.shared.errors import Busy, Invalid, Missing
from services.devops.clients.process import UNCONFINED
from services.devops.commands import run as commands
from services.devops.commands import sweep as sweeping
from services.devops.domain import pipeline as pipelines
from services.devops.domain.run import Result, Run, State
from services.devops.parts import Parts
from services.devops.queries import project as projects
from services.devops.queries import run as queries
from services.devops.workers.bench import Bench
from services.devops.workers.book import Book
from services.devops.workers.leash import Halt, Leash, ended
from services.devops.workers.walk import walk

MOST_WAITING: Final = 500
TRIES: Final = 3
"""How often a run is gone on with that fails for no reason of its own."""
PAUSE: Final = 5.0
"""Seconds before that."""


@dataclass(slots=True)
class Carried:
    """A run that is carried on here."""

    task: asyncio.Task[None]
    leash: Leash
    nudge: asyncio.Event


async def carry_on(parts: Parts) -> None:
    """For ever."""
    works = parts.works
    if works.closed:
        works.journal.say("pipelines are not run here", reason=works.closed)
    else:
        confined = await works.processes.probe()
        works.journal.tell("steps run as processes of this machine", confined_by=confined)
        if confined == UNCONFINED:
            works.journal.say("steps can read what this process can", advice="install bubblewrap (bwrap)")
    desk = Desk(parts)
    try:
        while True:
            await desk.look()
            await works.bell.wait(parts.settings.poll)
    finally:
        await ended(*(one.task for one in desk.carried.values()))


class Desk:
    """The runs that are carried on here, by their paths."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.carried: dict[str, Carried] = {}
        self._tries: dict[str, int] = {}
        self._pauses: dict[str, float] = {}

    async def look(self) -> None:
        """Once: let go of what has ended, tell what was stopped or answered, begin what has come to its turn."""
        await self._let_go()
        await self._tell()
        if not self._parts.works.closed:
            await self._begin()

    async def _let_go(self) -> None:
        for path in [path for path, one in self.carried.items() if one.task.done()]:
            task = self.carried.pop(path).task
            error = None if task.cancelled() else task.exception()
            if error is None or isinstance(error, Missing):
                self._tries.pop(path, None)
            else:
                await self._failed(path, error)

    async def _failed(self, path: str, error: BaseException) -> None:
        """Go on with it after a pause; give it up when that fails again and again for what is no passing reason."""
        told = f"{type(error).__name__}: {error}"
        self._parts.works.journal.say("a run can't be carried on", run=path, error=told)
        self._pauses[path] = self._parts.clock.monotonic() + PAUSE
        self._tries[path] = self._tries.get(path, 0) + (not isinstance(error, Busy))
        if self._tries[path] >= TRIES:
            await self._give_up(path)

    async def _give_up(self, path: str) -> None:
        self._tries.pop(path, None)
        if await self._parts.store.of(Run).look(path) is not None:
            reason = "it could not be carried on, for a reason that only the operator's log tells"
            await self._parts.store.transact(commands.finish_run, path, Result.FAILURE, reason, at=self._parts.clock())

    async def _tell(self) -> None:
        for path, one in list(self.carried.items()):
            run = await self._parts.store.of(Run).look(path)
            if run is None:
                one.leash.cut(Halt(Result.ABORTED, "its pipeline is gone"))
                one.task.cancel()
            elif run.stopped_by:
                one.leash.cut(Halt(Result.ABORTED, f"stopped by {run.stopped_by}"))
            one.nudge.set()

    async def _begin(self) -> None:
        """Those that run already go first: another process has left them."""
        for run in await queries.live(self._parts.store):
            self._carry(run)
        room = self._parts.settings.runs - len(self.carried)
        if room <= 0:
            return
        busy = {path: one for path, one in self.carried.items() if not one.task.done()}
        homes = {run.home for run in await queries.live(self._parts.store)} if busy else set()
        for run in await queries.waiting(self._parts.store, MOST_WAITING):
            alone = pipelines.settings(run.spec).get("disable_concurrent") is True
            if run.path in self.carried or (alone and run.home in homes):
                continue
            homes.add(run.home)
            self._carry(run)
            room -= 1
            if room <= 0:
                return

    def _carry(self, run: Run) -> None:
        if run.path in self.carried or self._pauses.get(run.path, 0) > self._parts.clock.monotonic():
            return
        self._pauses.pop(run.path, None)
        leash, nudge = Leash(), asyncio.Event()
        if run.stopped_by:
            leash.cut(Halt(Result.ABORTED, f"stopped by {run.stopped_by}"))
        task = asyncio.create_task(carry(run, leash, nudge, self._parts), name=f"run {run.path}")
        task.add_done_callback(lambda _: self._parts.works.bell.ring())
        self.carried[run.path] = Carried(task, leash, nudge)


async def carry(run: Run, leash: Leash, nudge: asyncio.Event, parts: Parts) -> None:
    """One run to its end. Cancelled, it stays as it is, for whoever goes on with it."""
    with parts.works.journal.carrying(run):
        run = await parts.store.transact(commands.start_run, run.path, at=parts.clock())
        try:
            halt = await _carried(run, leash, nudge, parts)
        except Missing:
            if await parts.store.of(Run).look(run.path) is not None:
                raise
            await asyncio.to_thread(forget, (run.uid,), parts)
            raise
        result, reason = (halt.result, halt.reason) if halt else (Result.SUCCESS, "")
        kept = await parts.store.transact(commands.finish_run, run.path, result, reason, at=parts.clock())
        parts.works.journal.note(kept)
    await prune(kept, parts)


async def _carried(run: Run, leash: Leash, nudge: asyncio.Event, parts: Parts) -> Halt | None:
    """How it ended, with all that it wrote."""
    book = Book(run, parts)
    await book.open()
    project = await projects.project(parts.store, run.project)
    try:
        script = await asyncio.to_thread(pipelines.read, run.spec)
    except Invalid as fault:
        return Halt(Result.FAILURE, fault.text)
    if script is None:
        return Halt(Result.FAILURE, "its pipeline has no Jenkinsfile of its own, which is what is run here")
    bench = Bench(parts, project, script, book, leash, nudge)
    await asyncio.to_thread(bench.open)
    if not bench.log.begun:
        bench.say(f"Started by user {run.creator}")
    halt = await walk(bench)
    if halt is not None:
        bench.say_why(halt.reason)
    bench.say(f"Finished: {(halt.result if halt else Result.SUCCESS).value}")
    await bench.close()
    return halt


def forget(runs: tuple[str, ...], parts: Parts) -> None:
    """Remove the files of runs that are gone."""
    parts.works.logs.forget(runs)
    parts.works.artifacts.forget(runs)
    parts.works.forget_rooms(runs)


async def prune(run: Run, parts: Parts) -> None:
    """Remove runs of its pipeline that are too many, or too old, as the pipeline's own settings say."""
    discard = pipelines.settings(run.spec).get("discarder")
    days, number = _number(discard, "days_to_keep"), _number(discard, "num_to_keep")
    most = min(number or parts.settings.keep_runs, parts.settings.keep_runs)
    oldest = parts.clock() - timedelta(days=days) if days else None
    for place, one in enumerate(await queries.of_pipeline(parts.store, run.home)):
        old = oldest is not None and one.finished_at is not None and one.finished_at < oldest
        if one.state is State.FINISHED and (place >= most or old):
            await parts.store.transact(sweeping.drop_run, one.path)
            await asyncio.to_thread(forget, (one.uid,), parts)


def _number(discard: object, key: str) -> int:
    """A number that is written as a text; 0 where it says nothing, or is no bound."""
    text = discard.get(key) if isinstance(discard, Mapping) else None
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004  # days and runs that anybody keeps
