"""Aggregations: groups of series become one, or keep some of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import fsum

from libs.shared.errors import Invalid
from services.monitoring.domain.arrays import Floats, Ints, np
from services.monitoring.domain.labels import NAME, Labels, changed, only, without
from services.monitoring.domain.promql.frames import Scalar, Value, Vector, empty, pruned, stacked
from services.monitoring.domain.promql.nodes import Aggregate
from services.monitoring.domain.promql.quantiles import quantile
from services.monitoring.domain.promql.wording import number

INF, NAN = float("inf"), float("nan")
CANCELLED = 1e3
"""How much larger the parts may be than their sum before it is worked out exactly."""
PICKING = frozenset({"topk", "bottomk"})


def aggregated(node: Aggregate, vector: Vector, param: Value | None) -> Vector:
    """The aggregation; raises `Invalid` for one that isn't offered."""
    size = vector.values.shape[1]
    if node.op == "count_values":
        return _valued(node, vector, param)
    if node.op in PICKING:
        return _picked(node, vector, _number(param, size))
    if not vector.labels:
        return empty(size)
    groups, into = _groups(node, vector)
    if node.op == "quantile":
        return _quantiles(groups, into, vector, _number(param, size))
    reduce = REDUCTIONS.get(node.op)
    if reduce is None:
        raise Invalid("promql", f"the aggregation {node.op} is not offered")
    counts = np.zeros((len(groups), size))
    np.add.at(counts, into, vector.present)
    return pruned(Vector(groups, reduce(into, vector, counts), counts > 0))


def _groups(node: Aggregate, vector: Vector) -> tuple[list[Labels], Ints]:
    places: dict[Labels, int] = {}
    into = np.array([places.setdefault(_key(node, labels), len(places)) for labels in vector.labels], dtype=np.int64)
    return list(places), into


def _key(node: Aggregate, labels: Labels) -> Labels:
    return without(labels, (*node.grouping, NAME)) if node.without else only(labels, node.grouping)


def _number(param: Value | None, size: int) -> Floats:
    return param.values if isinstance(param, Scalar) else np.full(size, NAN)


def _sum(into: Ints, vector: Vector, counts: Floats) -> Floats:
    return _total(into, vector, np.ones(counts.shape))


def _mean(into: Ints, vector: Vector, counts: Floats) -> Floats:
    return _total(into, vector, np.maximum(counts, 1))


def _total(into: Ints, vector: Vector, share: Floats) -> Floats:
    """Sums, divided; where large numbers cancel each other out or overflow they are worked out again, exactly."""
    there = np.where(vector.present, vector.values, 0)
    plain, magnitude = np.zeros(share.shape), np.zeros(share.shape)
    np.add.at(plain, into, there)
    np.add.at(magnitude, into, np.abs(there))
    out = plain / share
    doubtful = np.isinf(magnitude) | (magnitude > CANCELLED * np.abs(plain))
    for group, moment in zip(*np.nonzero(doubtful & (magnitude > 0)), strict=True):
        column = there[into == group, moment]
        if np.isfinite(column).all():
            out[group, moment] = fsum(column / share[group, moment])
    return out


def _least(into: Ints, vector: Vector, counts: Floats) -> Floats:
    out = np.full(counts.shape, NAN)
    np.fmin.at(out, into, np.where(vector.present, vector.values, NAN))
    return out


def _most(into: Ints, vector: Vector, counts: Floats) -> Floats:
    out = np.full(counts.shape, NAN)
    np.fmax.at(out, into, np.where(vector.present, vector.values, NAN))
    return out


def _variance(into: Ints, vector: Vector, counts: Floats) -> Floats:
    away = np.where(vector.present, vector.values - _mean(into, vector, counts)[into], 0)
    total = np.zeros(counts.shape)
    np.add.at(total, into, away**2)
    return total / np.maximum(counts, 1)


REDUCTIONS: Mapping[str, Callable[[Ints, Vector, Floats], Floats]] = {
    "sum": _sum,
    "avg": _mean,
    "count": lambda _, __, counts: counts,
    "group": lambda _, __, counts: np.ones(counts.shape),
    "min": _least,
    "max": _most,
    "stddev": lambda into, vector, counts: np.sqrt(_variance(into, vector, counts)),
    "stdvar": _variance,
}


AGGREGATIONS = frozenset(REDUCTIONS) | PICKING | {"quantile", "count_values"}


def _quantiles(groups: list[Labels], into: Ints, vector: Vector, levels: Floats) -> Vector:
    size = vector.values.shape[1]
    values, present = np.zeros((len(groups), size)), np.zeros((len(groups), size), dtype=bool)
    for group in range(len(groups)):
        rows = into == group
        for moment in range(size):
            there = vector.present[rows, moment]
            if there.any():
                present[group, moment] = True
                values[group, moment] = quantile(float(levels[moment]), vector.values[rows, moment][there])
    return Vector(groups, values, present)


def _picked(node: Aggregate, vector: Vector, wanted: Floats) -> Vector:
    """Topk and bottomk: series keep all their labels; NaN comes last."""
    if np.isnan(wanted).any():
        raise Invalid("query-parameter", "Scalar value NaN overflows int64")
    if not vector.labels:
        return vector
    _, into = _groups(node, vector)
    size = vector.values.shape[1]
    kept = np.zeros(vector.present.shape, dtype=bool)
    order: list[int] = []
    for group in range(int(into.max()) + 1):
        rows = np.flatnonzero(into == group)
        for moment in range(size):
            there = rows[vector.present[rows, moment]]
            chosen = _ranked(node.op, vector.values[there, moment], there)[
                : int(min(max(wanted[moment], 0), len(there)))
            ]
            kept[chosen, moment] = True
            order += chosen.tolist() if size == 1 else []
    if size == 1:
        labels = [vector.labels[row] for row in order]
        return Vector(labels, vector.values[order], np.ones((len(order), 1), dtype=bool), ordered=True)
    return pruned(Vector(vector.labels, vector.values, kept))


def _ranked(op: str, values: Floats, rows: Ints) -> Ints:
    sign = -1 if op == "topk" else 1
    return rows[np.lexsort((np.arange(len(rows)), np.where(np.isnan(values), INF, sign * values)))]


def _valued(node: Aggregate, vector: Vector, param: Value | None) -> Vector:
    """count_values: one series for each value that occurs."""
    size = vector.values.shape[1]
    name = param if isinstance(param, str) else ""
    if not name or not name.replace("_", "a").isalnum():
        raise Invalid("query-label", f'invalid label name "{name}"')
    counts: dict[Labels, Floats] = {}
    for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True):
        for moment in np.flatnonzero(present):
            key = changed(_key(node, labels), {name: number(float(values[moment]))})
            counts.setdefault(key, np.zeros(size))[moment] += 1
    return stacked([(labels, values, values > 0) for labels, values in counts.items()], size)
