"""Owned tasks: an error in one is logged and it starts again with backoff; all end in reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from prometheus_client import Counter

from libs.shared.errors import Fault
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock

Loop = Callable[[], Awaitable[None]]
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
WELL_AGAIN = 60.0
"""Seconds of running after which the next failure counts as the first one."""
LONGEST_END = 1.0
"""Seconds that a cancelled loop may take to end."""


class Tasks:
    """Owner of one service's loops."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._log = telemetry.log
        self._clock = clock
        self._restarts = Counter(
            "orrery_task_restarts", "Loops started again after an error.", ("task",), registry=telemetry.registry
        )

    @asynccontextmanager
    async def running(self, loops: Iterable[tuple[str, Loop]]) -> AsyncIterator[None]:
        """Run these loops, by name, while the block does; then cancel them, last begun first, each awaited before the
        next. A loop that raises is begun again; one that returns has ended.
        """
        begun: list[asyncio.Task[None]] = []
        try:
            for name, loop in loops:
                begun.append(asyncio.create_task(self._kept(name, loop), name=name))
            yield
        finally:
            while begun:
                await self._ended(begun.pop())

    async def _ended(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        _, hanging = await asyncio.wait((task,), timeout=LONGEST_END)
        if hanging:
            self._log.error("task does not end", task=task.get_name(), waited=LONGEST_END)

    async def _kept(self, name: str, run: Loop) -> None:
        pause = FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            try:
                return await run()
            except asyncio.CancelledError as error:
                if _cancelled():
                    raise
                self._note(name, error, pause)  # a cancellation that leaked out of the loop is an error like any other
            except Exception as error:  # noqa: BLE001  # whatever a loop raises, its service goes on
                pause = FIRST_PAUSE if self._clock.monotonic() - began > WELL_AGAIN else pause
                self._note(name, error, pause)
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _note(self, name: str, error: BaseException, pause: float) -> None:
        self._restarts.labels(name).inc()
        told = f"{type(error).__name__}: {error}"
        unexpected = None if isinstance(error, Fault) else error
        self._log.warning("task failed", task=name, again_in=pause, error=told, exc_info=unexpected)


def _cancelled() -> bool:
    """Whether somebody asked the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
