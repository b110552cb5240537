"""When the next round is: often in the first minute, so that a new suite shows something; then at leisure."""

from __future__ import annotations

from services.monitoring.parts import Parts

HEAD_START = 2.0
"""Seconds until the first round: a starting suite has other things to do, and a cluster to show first."""
FIRST = 60.0
HOUR = 3600.0


class Pace:
    """Rounds at even distances from the first one, whatever each took; what was missed is left out."""

    def __init__(self, parts: Parts) -> None:
        self._clock, self._settings = parts.clock, parts.settings
        self._begun = self._due = parts.clock.monotonic()

    async def next(self) -> None:
        """Wait for the next round."""
        now = self._clock.monotonic()
        early = now - self._begun < FIRST
        step = min(self._settings.first_interval, self._settings.interval) if early else self._settings.interval
        self._due = max(self._due + step, now)
        await self._clock.sleep(max(self._due - now, 0.001))


async def idle(parts: Parts) -> None:
    """For ever: another's series are not ours to write."""
    while True:
        await parts.clock.sleep(HOUR)


def now_of(parts: Parts) -> int:
    """Milliseconds since 1970."""
    return round(parts.clock().timestamp() * 1000)
