"""Following the logs of all containers through the API server, up to a number of them at one time."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson

from libs.shared.errors import Denied, Fault, Invalid, Malformed, Missing
from libs.shared.kube.watch import Change, What
from services.logging.domain.entry import LOGS
from services.logging.domain.pod import Container, Tale, containers
from services.logging.domain.wanted import Term
from services.logging.parts import Parts
from services.logging.workers.pouring import DEPTH, Queue, pour, together

PODS = "/api/v1/pods"
GRACE = 30.0
"""Seconds that the rest of a log is read after its pod is gone."""


async def follow_pods(parts: Parts) -> None:
    """Follow them for ever."""
    queue: Queue = asyncio.Queue(DEPTH)
    async with together() as tasks:
        tasks.create_task(pour(queue, LOGS, parts.keeping.logs, parts))
        following = Following(parts, queue, tasks)
        async with aclosing(parts.sources.cluster.watch(PODS)) as changes:
            async for change in changes:
                following.see(change)


class Following:
    """Which containers there are, and a task for each that is read."""

    def __init__(self, parts: Parts, queue: Queue, tasks: asyncio.TaskGroup) -> None:
        self._parts, self._queue, self._tasks = parts, queue, tasks
        self._slots = asyncio.Semaphore(parts.settings.streams)
        self._known: dict[str, dict[tuple[str, str, int], Container]] = {}
        """Containers by their pod's uid: read, being read, or waiting for a slot."""
        self._running: dict[tuple[str, str, int], asyncio.Task[None]] = {}

    def see(self, change: Change) -> None:
        """A pod came, changed or went."""
        if change.type is What.SYNCED:
            return
        uid = str(change.object["metadata"].get("uid", ""))
        if change.type is What.DELETED:
            for key in self._known.pop(uid, {}):
                if key in self._running:
                    self._tasks.create_task(self._leave(self._running[key]))
            return
        found = {container.key: container for container in containers(change.object)}
        before = self._known.get(uid, {})
        self._known[uid] = found
        for key in found.keys() - before.keys() - self._running.keys():
            task = self._tasks.create_task(self._read(found[key]), name=f"log {key}")
            self._running[key] = task
            task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: tuple[str, str, int], _: object) -> None:
        self._running.pop(key, None)

    async def _leave(self, task: asyncio.Task[None]) -> None:
        """What is left of a log of a pod that is gone."""
        await self._parts.clock.sleep(GRACE)
        task.cancel()

    def _present(self, container: Container) -> Container | None:
        """The container as it is now; None when this life of it is over and forgotten."""
        return self._known.get(container.uid, {}).get(container.key)

    async def _read(self, container: Container) -> None:
        """Read one container's log to its end, from the last line that is kept."""
        async with self._slots:
            self._parts.journal.streams.inc()
            try:
                await self._read_on(container, Tale(container, await self._last(container)))
            finally:
                self._parts.journal.streams.dec()

    async def _read_on(self, container: Container, tale: Tale) -> None:
        while True:
            ended = container.ended
            try:
                await self._lines(container, tale)
                if ended:
                    return
            except Missing:
                return
            except (Denied, Invalid) as fault:  # it has not begun yet, or its log is gone already
                if ended:
                    self._parts.journal.waits(container.pod, fault)
                    return
            except Fault as fault:
                self._parts.journal.waits(container.pod, fault)
            await self._parts.clock.sleep(self._parts.settings.poll)
            now = self._present(container)
            if now is None:
                return
            container = now

    async def _lines(self, container: Container, tale: Tale) -> None:
        """Put lines into the queue until the log ends."""
        tale.again()
        asked: dict[str, Any] = {"container": container.name, "follow": True, "timestamps": True}
        async with aclosing(self._parts.sources.cluster.lines(container.path, **asked, sinceTime=tale.since)) as lines:
            async for line in lines:
                try:
                    entry = tale.entry(line)
                except Malformed as fault:
                    self._parts.journal.left_out(LOGS.name, fault.text)
                    continue
                if entry is not None:
                    await self._queue.put(entry)

    async def _last(self, container: Container) -> str:
        """The time of the last line of it that is kept."""
        while True:
            try:
                found = await self._parts.keeping.logs.newest(LOGS, Term("source", (container.source,)))
            except Fault as fault:
                self._parts.journal.waits(container.pod, fault)
                await self._parts.clock.sleep(self._parts.settings.poll)
                continue
            return str(orjson.loads(found)["time"]) if found else ""
