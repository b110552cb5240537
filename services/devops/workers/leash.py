"""How work on a run is ended: by a leash that is cut with the reason, which whoever is cancelled finds there. Work that
is cancelled without one ends with its process, and is gone on with by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from libs.shared.values import Clock
from services.devops.domain.run import Result


class Halt(Exception):
    """Work on a run, a stage or a step doesn't go on. `reason` is told to people."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


class Leash:
    """What some work is held by. Cut, it ends the work; so does the one that it hangs on."""

    def __init__(self, parent: Leash | None = None) -> None:
        self._parent = parent
        self._halt: Halt | None = None
        self._cut = asyncio.Event()

    def cut(self, halt: Halt) -> None:
        """End what it holds; the first reason counts."""
        if self._halt is None:
            self._halt = halt
            self._cut.set()

    @property
    def ending(self) -> Halt | None:
        """Why the work ends, where somebody has ended it."""
        if self._halt is not None or self._parent is None:
            return self._halt
        return self._parent.ending

    async def led(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work while the leash holds. Raises what the work raises; the `Halt` that it was cut with."""
        task = asyncio.create_task(work)
        cutting = asyncio.create_task(self._cut.wait())
        try:
            await asyncio.wait((task, cutting), return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not task.cancelled():
                task.result()
                return
        finally:
            await ended(task, cutting)
        if self._halt is not None:
            raise self._halt


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them, and return when each has come to its end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def bounded(
    leash: Leash, seconds: float | None, halt: Halt, clock: Clock, work: Callable[[Leash], Coroutine[Any, Any, None]]
) -> None:
    """Do the work for so many seconds at most (None: for ever); then it is cut with this `Halt`."""
    if seconds is None:
        await work(leash)
        return
    inner = Leash(leash)
    timer = asyncio.create_task(_cut_after(inner, seconds, halt, clock.sleep))
    try:
        await inner.led(work(inner))
    finally:
        await ended(timer)


async def _cut_after(leash: Leash, seconds: float, halt: Halt, sleep: Callable[[float], Awaitable[None]]) -> None:
    if seconds > 0:
        await sleep(seconds)
    leash.cut(halt)
