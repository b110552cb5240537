"""What is worked out over a grid of moments: vectors as matrices (series x moments) with a mask of what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from libs.shared.errors import Invalid, TooLarge
from services.monitoring.domain.arrays import Bools, Floats, Ints, np
from services.monitoring.domain.labels import Labels, Matcher, unnamed

MOST_POINTS = 11_000
LOOKBACK = 300_000
"""Milliseconds that a sample is seen for (Prometheus' default); the moment itself is open at its older end."""
SUBQUERY_STEP = 60_000
STALE = 0x7FF0000000000002
MOST_CELLS = 10_000_000
"""Values of one vector: series by moments."""
"""Bits of the NaN that says that a series ended."""


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series, in order of time (milliseconds since 1970)."""

    labels: Labels
    times: Ints
    values: Floats


class Source(Protocol):
    """Where samples come from."""

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Series]:
        """Series that all matchers hold for, with samples of these moments, both included."""
        ...


@dataclass(slots=True)
class Budget:
    """What one query may take: samples looked at, and time."""

    samples: int
    expired: Callable[[], bool]

    def take(self, number: int) -> None:
        """Note this many samples; raises `TooLarge` past the bound and `Invalid` when the time is up."""
        self.samples -= number
        if self.samples < 0:
            raise TooLarge("query-samples", "query processing would load too many samples into memory")
        self.check()

    def fit(self, rows: int, moments: int) -> None:
        """Raises `TooLarge` for a table of rows and moments that would not fit."""
        if rows * moments > MOST_CELLS:
            raise TooLarge("query-samples", f"{rows} series at {moments} moments are more than {MOST_CELLS} values")

    def check(self) -> None:
        """Raise `Invalid` when the time is up."""
        if self.expired():
            raise Invalid("query-timeout", "query timed out in expression evaluation")


@dataclass(frozen=True, slots=True)
class Grid:
    """The moments that are asked for, in milliseconds, and the bounds of the whole query (for `@ start()`)."""

    times: Ints
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many moments."""
        return len(self.times)


def grid_of(start: int, end: int, step: int) -> Grid:
    """From start to end; one moment when step is 0. Raises `Invalid` for too many points."""
    if step <= 0:
        return Grid(np.array([start], dtype=np.int64), start, end)
    if (end - start) // step >= MOST_POINTS:
        text = "exceeded maximum resolution of 11,000 points per timeseries."
        raise Invalid("query-resolution", f"{text} Try decreasing the query resolution (?step=XX)")
    return Grid(np.arange(start, end + 1, step, dtype=np.int64), start, end)


@dataclass(frozen=True, slots=True)
class Vector:
    """Rows are series; `values` of what `present` denies mean nothing. `ordered`: the rows' order is part of it."""

    labels: list[Labels]
    values: Floats
    present: Bools
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number a moment."""

    values: Floats


@dataclass(frozen=True, slots=True)
class Samples:
    """A range vector as the answer itself: the samples that it found."""

    series: list[Series]


Value = Vector | Scalar | str


def empty(size: int) -> Vector:
    """No series."""
    return Vector([], np.zeros((0, size)), np.zeros((0, size), dtype=bool))


def stacked(rows: Sequence[tuple[Labels, Floats, Bools]], size: int) -> Vector:
    """Rows as a vector; those that are nowhere present are left out."""
    kept = [row for row in rows if row[2].any()]
    if not kept:
        return empty(size)
    return Vector([row[0] for row in kept], np.stack([row[1] for row in kept]), np.stack([row[2] for row in kept]))


def pruned(vector: Vector) -> Vector:
    """Without rows that are nowhere present."""
    kept: Bools = np.asarray(vector.present.any(axis=1))
    if kept.all():
        return vector
    labels = [label for label, keep in zip(vector.labels, kept, strict=True) if keep]
    return Vector(labels, vector.values[kept], vector.present[kept], vector.ordered)


def merged(vector: Vector, said: str = "vector cannot contain metrics with the same labelset") -> Vector:
    """Rows of equal labels become one; raises `Invalid` where two of them are present at one moment."""
    if len(set(vector.labels)) == len(vector.labels):
        return vector
    places: dict[Labels, int] = {}
    into = np.array([places.setdefault(labels, len(places)) for labels in vector.labels])
    size = vector.values.shape[1]
    counts = np.zeros((len(places), size), dtype=np.int64)
    np.add.at(counts, into, vector.present)
    if (counts > 1).any():
        raise Invalid("query-labelset", said)
    values = np.zeros((len(places), size))
    for row, place in enumerate(into):
        values[place] = np.where(vector.present[row], vector.values[row], values[place])
    return Vector(list(places), values, counts > 0, vector.ordered)


def renamed(vector: Vector, values: Floats, present: Bools | None = None) -> Vector:
    """The vector with other values, without the metrics' names."""
    labels = [unnamed(one) for one in vector.labels]
    return merged(Vector(labels, values, vector.present if present is None else present, vector.ordered))
