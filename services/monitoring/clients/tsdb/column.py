"""One series within one window of time: its newest samples as they are, older ones packed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from services.monitoring.clients.tsdb.codec import decoded, encoded
from services.monitoring.domain.arrays import Floats, Ints, np

PACKED = 128
"""Samples in a packed piece."""


class Column:
    """Times in milliseconds, growing."""

    __slots__ = ("last", "packed", "times", "values")

    def __init__(self) -> None:
        self.packed: list[tuple[int, int, bytes]] = []
        self.times = array("q")
        self.values = array("d")
        self.last = -1

    def add(self, at: int, value: float) -> None:
        """One sample, newer than the last."""
        self.times.append(at)
        self.values.append(value)
        self.last = at
        if len(self.times) >= PACKED:
            self._pack()

    def extend(self, times: Ints, values: Floats) -> None:
        """Many samples, in order."""
        for begin in range(0, len(times), PACKED):
            self.times.frombytes(times[begin : begin + PACKED].tobytes())
            self.values.frombytes(values[begin : begin + PACKED].tobytes())
            if len(self.times) >= PACKED:
                self._pack()
        self.last = int(times[-1])

    def _pack(self) -> None:
        times, values = np.array(self.times), np.array(self.values)
        self.packed.append((self.times[0], self.times[-1], encoded(times, values)))
        self.times, self.values = array("q"), array("d")

    def read(self, start: int, end: int) -> tuple[Ints, Floats]:
        """Samples from start to end, both included."""
        parts = [decoded(raw) for first, last, raw in self.packed if last >= start and first <= end]
        low, high = bisect_left(self.times, start), bisect_right(self.times, end)
        newest = np.array(self.times[low:high], dtype=np.int64), np.array(self.values[low:high], dtype=np.float64)
        if not parts:
            return newest
        parts.append(newest)
        times = np.concatenate([part[0] for part in parts])
        values = np.concatenate([part[1] for part in parts])
        part = slice(np.searchsorted(times, start, side="left"), np.searchsorted(times, end, side="right"))
        return times[part], values[part]

    def newest(self) -> float:
        """The value of the last sample."""
        return self.values[-1] if self.values else float(decoded(self.packed[-1][2])[1][-1])
