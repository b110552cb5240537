"""Waiting for news or a time, whichever comes first, by the clock that was handed down."""

from __future__ import annotations

import asyncio

from libs.shared.values import Clock


class News:
    """For any number of waiters: everyone who waits when news spread goes on. Look before waiting, without an await
    between: unlike a `Bell`, it remembers nothing.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def spread(self) -> None:
        """Wake everyone who waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, clock: Clock | None = None, seconds: float = 0) -> None:
        """Return when news spread, or, given a clock, after so many seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        timer = asyncio.ensure_future(clock.sleep(seconds)) if clock else None
        try:
            await asyncio.wait((future, timer) if timer else (future,), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if timer:
                timer.cancel()
            if not future.done():
                future.cancel()
                self._waiting.remove(future)
