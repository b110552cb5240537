"""Quantiles: of plain values, and of the buckets of a classic histogram."""

from __future__ import annotations

from collections.abc import Sequence

from services.monitoring.domain.arrays import Floats, np

NAN, INF = float("nan"), float("inf")


def quantile(level: float, values: Floats) -> float:
    """By linear interpolation between the nearest two (Prometheus' definition)."""
    if not len(values) or np.isnan(level):
        return NAN
    if level < 0:
        return -INF
    if level > 1:
        return INF
    ordered = np.roll(np.sort(values), np.isnan(values).sum())  # NaN is the least here; numpy sorts it last
    rank = level * (len(ordered) - 1)
    lower = max(0, int(np.floor(rank)))
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - np.floor(rank)
    return float(ordered[lower] * (1 - weight) + ordered[upper] * weight)


def bucket_quantile(level: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Of (upper bound, cumulative count), sorted by bound; without a bucket at infinity there is no answer."""
    if np.isnan(level):
        return NAN
    if level < 0 or level > 1:
        return -INF if level < 0 else INF
    bounds, counts = _grown(buckets)
    if len(bounds) <= 1 or bounds[-1] != INF or counts[-1] == 0 or np.isnan(counts[-1]):
        return NAN
    rank = level * counts[-1]
    place = int(np.searchsorted(counts[:-1], rank, side="left"))
    if place == len(bounds) - 1:
        return float(bounds[-2])
    if place == 0 and bounds[0] <= 0:
        return float(bounds[0])
    begin, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    return float(begin + (bounds[place] - begin) * ((rank - below) / (counts[place] - below)))


def _grown(buckets: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Equal bounds added up, and counts that never fall: scrapes and rounding make them fall a little."""
    sums: dict[float, float] = {}
    for bound, count in buckets:
        sums[bound] = sums.get(bound, 0.0) + count
    bounds = np.array(sorted(sums))
    return bounds, np.maximum.accumulate(np.array([sums[bound] for bound in bounds.tolist()]))
