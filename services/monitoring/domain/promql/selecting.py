"""Selectors: samples from the source, laid on the grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.monitoring.domain.arrays import Bools, Floats, Ints, np
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.promql.frames import (
    LOOKBACK,
    STALE,
    Budget,
    Grid,
    Series,
    Source,
    Vector,
    empty,
    stacked,
)
from services.monitoring.domain.promql.nodes import At, Select
from services.monitoring.domain.promql.windows import Windows


def moments(grid: Grid, offset: int, at: At | None) -> Ints:
    """When a selector looks: the grid's moments, or the one after `@`, less the offset."""
    if at is None:
        return grid.times - offset
    fixed = {"start": grid.first, "end": grid.last}.get(at, 0) if isinstance(at, str) else round(at)
    return np.full(grid.size, fixed - offset, dtype=np.int64)


def found(source: Source, select: Select, start: int, end: int, budget: Budget) -> list[Series]:
    """Series of all alternatives, each once."""
    budget.check()
    several = [source.select(matchers, start, end) for matchers in select.alternatives]
    once = list({series.labels: series for group in several for series in group}.values())
    budget.take(sum(len(series.times) for series in once))
    return once


def stale(values: Floats) -> Bools:
    """Which of them say that the series ended."""
    marks: Bools = np.ascontiguousarray(values).view(np.uint64) == np.uint64(STALE)
    return marks


def instant(source: Source, select: Select, grid: Grid, budget: Budget) -> tuple[Vector, list[Ints]]:
    """The last sample of each series within the lookback; besides, each one's own times."""
    when = moments(grid, select.offset, select.at)
    series = found(source, select, int(when.min()) - LOOKBACK + 1, int(when.max()), budget)
    if grid.size == 1:
        return _newest(series)
    budget.fit(len(series), grid.size)
    rows: list[tuple[Labels, Floats, Bools]] = []
    times: list[Ints] = []
    for one in series:
        place = np.searchsorted(one.times, when, side="right") - 1
        safe = np.maximum(place, 0)
        values = one.values[safe]
        present = (place >= 0) & (one.times[safe] > when - LOOKBACK) & ~stale(values)
        if present.any():
            rows.append((one.labels, values, present))
            times.append(one.times[safe])
    return stacked(rows, grid.size), times


def _newest(series: Sequence[Series]) -> tuple[Vector, list[Ints]]:
    """At one moment: of what was found until then, the last sample of each."""
    there = [one for one in series if len(one.times)]
    if not there:
        return empty(1), []
    last = np.array([one.values[-1] for one in there])
    kept = np.flatnonzero(~stale(last)).tolist()
    values = last[kept].reshape(-1, 1)
    vector = Vector([there[place].labels for place in kept], values, np.ones(values.shape, dtype=bool))
    return vector, [there[place].times[-1:] for place in kept]


def windows(source: Source, select: Select, span: int, grid: Grid, budget: Budget) -> list[Windows]:
    """The samples of each series before each moment, without the marks of ended series."""
    when = moments(grid, select.offset, select.at)
    series = found(source, select, int(when.min()) - span + 1, int(when.max()), budget)
    budget.fit(len(series), grid.size)
    return list(_framed(series, when, span, grid, budget))


def _framed(series: Iterable[Series], when: Ints, span: int, grid: Grid, budget: Budget) -> Iterable[Windows]:
    for one in series:
        budget.check()
        kept = ~stale(one.values)
        times, values = (one.times, one.values) if kept.all() else (one.times[kept], one.values[kept])
        if len(times):
            yield framed(Series(one.labels, times, values), when, span, grid)


def framed(series: Series, when: Ints, span: int, grid: Grid) -> Windows:
    """One series' windows of this span that end at these moments."""
    begin = when - span
    low = np.searchsorted(series.times, begin, side="right")
    high = np.searchsorted(series.times, when, side="right")
    return Windows(series.labels, series.times, series.values, low, high, begin, when, grid.times, span)


def of_vector(vector: Vector, times: Ints, when: Ints, span: int, grid: Grid) -> Sequence[Windows]:
    """A subquery's inner vector as windows."""
    return [
        framed(Series(labels, times[present], values[present]), when, span, grid)
        for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True)
        if present.any()
    ]
