"""Functions over range vectors: one series at a time, all moments at once where that is exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import fsum

from services.monitoring.domain.arrays import Bools, Floats, Ints, np
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.promql.quantiles import quantile

Answer = tuple[Floats, Bools]


@dataclass(frozen=True, slots=True)
class Windows:
    """Of one series: samples `low[i]` to `high[i]` (excluded) lie in the window of moment i, which is open at `begin`
    and closed at `end`. `now` are the moments themselves; times in milliseconds.
    """

    labels: Labels
    times: Ints
    values: Floats
    low: Ints
    high: Ints
    begin: Ints
    end: Ints
    now: Ints
    span: int

    @property
    def counts(self) -> Ints:
        """Samples in each window."""
        return self.high - self.low


Param = Floats
Function = Callable[[Windows, Param | None], Answer]


def _extrapolated(windows: Windows, *, counter: bool, a_second: bool) -> Answer:
    """rate, increase and delta: the change between the first and the last sample, stretched to the window's edges
    where the samples come near enough to them (Prometheus' extrapolation).
    """
    ok = windows.counts > 1
    safe = np.where(ok, windows.low, 0)
    last = np.where(ok, windows.high - 1, 0)
    times, values = windows.times, windows.values
    change = values[last] - values[safe]
    if counter:
        change = change + _resets(values)[last] - _resets(values)[safe]
    sampled = (times[last] - times[safe]) / 1000
    average = sampled / np.maximum(windows.counts - 1, 1)
    to_start = (times[safe] - windows.begin) / 1000
    to_end = (windows.end - times[last]) / 1000
    to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
    if counter:
        falls = (change > 0) & (values[safe] >= 0)
        zero = np.where(falls, sampled * (values[safe] / np.where(falls, change, 1)), to_start)
        to_start = np.minimum(to_start, zero)
    to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
    factor = (sampled + to_start + to_end) / np.where(ok, sampled, 1)
    if a_second:
        factor = factor / (windows.span / 1000)
    return change * factor, ok


def _resets(values: Floats) -> Floats:
    """What a counter had lost up to each sample."""
    lost = np.zeros(len(values))
    fell = values[1:] < values[:-1]
    lost[1:] = np.cumsum(np.where(fell, values[:-1], 0))
    return lost


def _instant(windows: Windows, *, counter: bool, a_second: bool) -> Answer:
    """Irate and idelta: the last two samples."""
    ok = windows.counts > 1
    last = np.where(ok, windows.high - 1, 1 if len(windows.values) > 1 else 0)
    before = np.maximum(last - 1, 0)
    change = windows.values[last] - windows.values[before]
    if counter:
        change = np.where(windows.values[last] < windows.values[before], windows.values[last], change)
    if not a_second:
        return change, ok
    seconds = (windows.times[last] - windows.times[before]) / 1000
    ok = ok & (seconds > 0)
    return change / np.where(ok, seconds, 1), ok


def _number_of(changed: Callable[[Floats], Bools]) -> Function:
    """Changes and resets: how often one sample and the one before it are so."""

    def counted(windows: Windows, _: Param | None) -> Answer:
        hits = np.zeros(len(windows.values) + 1)
        hits[2:] = np.cumsum(changed(windows.values))
        ok = windows.counts >= 1
        first = np.where(ok, windows.low + 1, 0)
        return hits[np.where(ok, windows.high, 0)] - hits[first], ok

    return counted


def _differs(values: Floats) -> Bools:
    before, after = values[:-1], values[1:]
    different: Bools = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return different


def _each(reduce: Callable[[Floats], float]) -> Function:
    """A reduction, window by window."""

    def reduced(windows: Windows, _: Param | None) -> Answer:
        ok = windows.counts >= 1
        out = np.zeros(len(ok))
        for moment in np.flatnonzero(ok).tolist():
            out[moment] = reduce(windows.values[windows.low[moment] : windows.high[moment]])
        return out, ok

    return reduced


def _added(values: Floats) -> float:
    """Exactly rounded; infinities stay what they are."""
    total = float(np.sum(values))
    return fsum(values.tolist()) if np.isfinite(total) else total


def _average(values: Floats) -> float:
    """Without overflow on the way."""
    total = _added(values)
    if np.isfinite(total) or not np.isfinite(values).all():
        return total / len(values)
    return fsum((values / len(values)).tolist())


def _deviation(values: Floats) -> float:
    return float(np.std(values)) if np.isfinite(values).all() else float("nan")


def _variance(values: Floats) -> float:
    return float(np.var(values)) if np.isfinite(values).all() else float("nan")


def _smallest(values: Floats) -> float:
    return float(np.fmin.reduce(values))


def _largest(values: Floats) -> float:
    return float(np.fmax.reduce(values))


def _at_edge(last: bool) -> Function:
    def picked(windows: Windows, _: Param | None) -> Answer:
        ok = windows.counts >= 1
        place = windows.high - 1 if last else windows.low
        return windows.values[np.where(ok, place, 0)], ok

    return picked


def _count(windows: Windows, _: Param | None) -> Answer:
    return windows.counts.astype(float), windows.counts >= 1


def _present(windows: Windows, _: Param | None) -> Answer:
    return np.ones(len(windows.low)), windows.counts >= 1


def _quantile(windows: Windows, wanted: Param | None) -> Answer:
    ok = windows.counts >= 1
    out = np.zeros(len(ok))
    levels = np.zeros(len(ok)) if wanted is None else wanted
    for moment in np.flatnonzero(ok).tolist():
        out[moment] = quantile(float(levels[moment]), windows.values[windows.low[moment] : windows.high[moment]])
    return out, ok


def _line(windows: Windows, moment: int, origin: float) -> tuple[float, float]:
    """Slope a second and height at the origin (milliseconds) of the least squares' line."""
    part = slice(windows.low[moment], windows.high[moment])
    x, y = (windows.times[part] - origin) / 1000, windows.values[part]
    if (y == y[0]).all():
        return (0.0, float(y[0])) if np.isfinite(y[0]) else (float("nan"), float("nan"))
    middle = x.mean()
    spread = ((x - middle) ** 2).sum()
    slope = float(((x - middle) * (y - y.mean())).sum() / spread)
    return slope, float(y.mean() - slope * middle)


def _derivative(windows: Windows, _: Param | None) -> Answer:
    ok = windows.counts > 1
    out = np.zeros(len(ok))
    for moment in np.flatnonzero(ok).tolist():
        out[moment] = _line(windows, moment, float(windows.times[windows.low[moment]]))[0]
    return out, ok


def _predicted(windows: Windows, ahead: Param | None) -> Answer:
    ok = windows.counts > 1
    out = np.zeros(len(ok))
    seconds = np.zeros(len(ok)) if ahead is None else ahead
    for moment in np.flatnonzero(ok).tolist():
        slope, height = _line(windows, moment, float(windows.now[moment]))
        out[moment] = slope * seconds[moment] + height
    return out, ok


FUNCTIONS: Mapping[str, Function] = {
    "rate": lambda windows, _: _extrapolated(windows, counter=True, a_second=True),
    "increase": lambda windows, _: _extrapolated(windows, counter=True, a_second=False),
    "delta": lambda windows, _: _extrapolated(windows, counter=False, a_second=False),
    "irate": lambda windows, _: _instant(windows, counter=True, a_second=True),
    "idelta": lambda windows, _: _instant(windows, counter=False, a_second=False),
    "changes": _number_of(_differs),
    "resets": _number_of(lambda values: values[1:] < values[:-1]),
    "deriv": _derivative,
    "predict_linear": _predicted,
    "sum_over_time": _each(_added),
    "avg_over_time": _each(_average),
    "min_over_time": _each(_smallest),
    "max_over_time": _each(_largest),
    "stddev_over_time": _each(_deviation),
    "stdvar_over_time": _each(_variance),
    "count_over_time": _count,
    "present_over_time": _present,
    "last_over_time": _at_edge(last=True),
    "first_over_time": _at_edge(last=False),
    "quantile_over_time": _quantile,
}
NAMED = frozenset({"last_over_time", "first_over_time"})
"""Those that keep the metric's name."""
PARAM_FIRST = frozenset({"quantile_over_time"})
PARAM_LAST = frozenset({"predict_linear"})
