"""Waiting for news or a time, whichever comes first, by the clock that was handed down."""

from __future__ import annotations

import asyncio

from libs.shared.values import Clock


class Bell:
    """Rung by whoever has news; everyone who waits goes on."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake everyone who waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, clock: Clock | None = None, seconds: float = 0) -> None:
        """Return when it rings, or, given a clock, after so many seconds."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if clock is None:
            await future
            return
        timer = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((future, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            if not future.done():
                future.cancel()
                self._waiting.remove(future)
