"""Samples on their way into the store, and what became of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from services.monitoring.domain.labels import Labels
from services.monitoring.domain.promql.frames import STALE

Reading = tuple[Labels, int, float]
"""Labels, time in milliseconds, value."""
ENDED: float = struct.unpack("<d", struct.pack("<Q", STALE))[0]
"""The value that says that a series is gone."""


@dataclass(frozen=True, slots=True)
class Report:
    """How many samples were kept, and how many refused: `old` (before what is kept, or in a sealed window, or after the
    year 2100), `late` (not newer than the series' last), `many` (of a series beyond the bound). `failed` are rules that
    could not be evaluated.
    """

    accepted: int
    old: int = 0
    late: int = 0
    many: int = 0
    failed: int = 0

    def __add__(self, other: Report) -> Report:
        """Both together."""
        return Report(
            self.accepted + other.accepted,
            self.old + other.old,
            self.late + other.late,
            self.many + other.many,
            self.failed + other.failed,
        )

    @property
    def refused(self) -> int:
        """All that was not kept."""
        return self.old + self.late + self.many
