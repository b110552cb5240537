"""Turns what happens to objects into keys, and runs each reconciler on its keys, one at a time.

Nothing is polled: the loop sleeps until an object changes, or a reconciler asked to be run again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from libs.sandbox.changes import Change, Cursor, Type
from libs.sandbox.objects import Objects
from libs.shared.errors import Fault, Gone

Key = tuple[str, str]
"""Namespace (empty where there is none) and name."""
TURNS = 25
"""Reconciliations in a row before others may run, where they don't take longer than:"""
SLICE = 0.01
"""Seconds."""
PATIENCE = 60.0
"""Seconds, at most, between tries of a key that fails."""
_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an object of an unexpected shape raises; clients may write such."""


class Reconciler(Protocol):
    """Brings what stands closer to what one key asks for. May be run at any time, any number of times."""

    @property
    def name(self) -> str:
        """What it is called in logs."""
        ...

    @property
    def watches(self) -> tuple[str, ...]:
        """Ids of the resources whose changes concern it; none for all there are."""
        ...

    def keys(self, change: Change) -> Iterable[Key]:
        """The keys that a change concerns."""
        ...

    def reconcile(self, key: Key) -> float | None:
        """Do what is to be done now; in how many seconds to be run again, if at all."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A reconciler that remembers something of each object."""

    def prune(self) -> None:
        """Forget what is gone: changes may have been missed."""
        ...


Item = tuple[int, Key]
"""Place of the reconciler, and its key."""


class Loop:
    """Queues of keys, without repeats, and the task that empties them."""

    def __init__(self, objects: Objects, reconcilers: Sequence[Reconciler], log: Any) -> None:
        self._objects = objects
        self._reconcilers = tuple(reconcilers)
        self._queue: deque[Item] = deque()
        self._queued: set[Item] = set()
        self._timers: list[tuple[float, Item]] = []
        self._due: dict[Item, float] = {}
        self._failures: dict[Item, int] = {}
        self._log = log

    async def run(self) -> None:
        """Work until cancelled."""
        cursor, known = self._opened()
        try:
            while True:
                if known != self._objects.catalogue.changed:
                    cursor.close()
                    cursor, known = self._opened()
                try:
                    self._notice(cursor.take())
                except Gone:
                    cursor.close()
                    cursor, known = self._opened()
                self._fire()
                await self._work()
                if not self._queue:
                    await self._rest(cursor)
        finally:
            cursor.close()

    def _opened(self) -> tuple[Cursor, int]:
        """A cursor on everything that is watched, and all of it queued once."""
        resources = sorted(
            {resource for reconciler in self._reconcilers for resource in reconciler.watches or self._all()}
        )
        cursor = self._objects.follow(resources)
        for reconciler in self._reconcilers:
            if isinstance(reconciler, Remembering):
                reconciler.prune()
        for resource in resources:
            self._notice(Change(Type.ADDED, resource, stored) for stored in self._objects.shelf(resource))
        return cursor, self._objects.catalogue.changed

    def _all(self) -> tuple[str, ...]:
        return tuple(resource.id for resource in self._objects.catalogue if resource.stored)

    def _notice(self, changes: Iterable[Change]) -> None:
        for change in changes:
            for place, reconciler in enumerate(self._reconcilers):
                if not reconciler.watches or change.resource in reconciler.watches:
                    for key in self._keys(reconciler, change):
                        self._add((place, key))

    def _keys(self, reconciler: Reconciler, change: Change) -> Iterable[Key]:
        try:
            return tuple(reconciler.keys(change))
        except _MISSHAPEN as error:
            self._log.warning("object not understood", controller=reconciler.name, error=repr(error))
            return ()

    def _add(self, item: Item) -> None:
        if item not in self._queued:
            self._queued.add(item)
            self._queue.append(item)

    def _fire(self) -> None:
        now = self._objects.clock.monotonic()
        while self._timers and self._timers[0][0] <= now:
            due, item = heapq.heappop(self._timers)
            if self._due.get(item) == due:
                del self._due[item]
                self._add(item)

    def _later(self, item: Item, seconds: float) -> None:
        due = self._objects.clock.monotonic() + seconds
        self._due[item] = due
        heapq.heappush(self._timers, (due, item))

    async def _work(self) -> None:
        until = self._objects.clock.monotonic() + SLICE
        for _ in range(TURNS):
            if not self._queue:
                return
            item = self._queue.popleft()
            self._queued.discard(item)
            self._due.pop(item, None)
            again = self._reconciled(item)
            if again is not None:
                self._later(item, max(0.0, again))
            if self._objects.clock.monotonic() > until:
                break
        await asyncio.sleep(0)

    def _reconciled(self, item: Item) -> float | None:
        """A fault is tried again, ever more slowly; an object that can't be understood waits until it changes."""
        reconciler, key = self._reconcilers[item[0]], item[1]
        try:
            again = reconciler.reconcile(key)
        except Fault as fault:
            self._failures[item] = tries = self._failures.get(item, 0) + 1
            self._log.warning("not reconciled", controller=reconciler.name, key="/".join(key), error=fault.text)
            return min(PATIENCE, 0.1 * 2.0 ** min(tries, 12))
        except _MISSHAPEN as error:
            self._log.warning("not understood", controller=reconciler.name, key="/".join(key), error=repr(error))
            return None
        self._failures.pop(item, None)
        return again

    async def _rest(self, cursor: Cursor) -> None:
        """Until something changes, or the next timer is due."""
        while self._timers and self._due.get(self._timers[0][1]) != self._timers[0][0]:
            heapq.heappop(self._timers)
        waiting = [asyncio.ensure_future(cursor.wait())]
        if self._timers:
            left = self._timers[0][0] - self._objects.clock.monotonic()
            waiting.append(asyncio.ensure_future(self._objects.clock.sleep(max(0.0, left))))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
