"""Waking a loop that would otherwise poll: it sleeps until it is rung or a time has passed."""

from __future__ import annotations

import asyncio

from libs.shared.values import Clock


class Bell:
    """For one waiter. A ring while nobody waits is remembered, so none is missed between a look and a wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, now or when it comes to wait."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it was rung since the last wait, or after so many seconds of the clock."""
        if not self._rung.is_set():
            waits = [asyncio.ensure_future(self._rung.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
        self._rung.clear()
