"""When to try again: pure, so that the tests need no time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_HIGHEST_POWER: Final = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by `factor` from `first` seconds up to `most`."""

    first: float
    most: float
    factor: float = 2.0

    def after(self, attempt: int) -> float:
        """Seconds to wait after this attempt, counted from 1, failed."""
        return min(self.most, self.first * self.factor ** min(attempt - 1, _HIGHEST_POWER))


QUICK: Final = Backoff(first=0.05, most=5)
"""For a delivery that met `Busy`, `Missing` or `Stale`: ten attempts take about 20 s."""
SLOW: Final = Backoff(first=60, most=3600)
"""For a parked message: often enough to heal by itself, rare enough to cost nothing."""
PATIENT: Final = Backoff(first=0.1, most=10)
"""For a store or bus that is down."""
