"""Functions of instant vectors and scalars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan

from libs.shared.errors import Invalid
from services.monitoring.domain.arrays import Bools, Floats, np
from services.monitoring.domain.labels import NAME, Labels, changed, labels_of, unnamed, without
from services.monitoring.domain.promql import calendar
from services.monitoring.domain.promql.frames import Grid, Scalar, Value, Vector, merged, pruned, renamed, stacked
from services.monitoring.domain.promql.nodes import Node, Range, Select, Subquery
from services.monitoring.domain.promql.quantiles import bucket_quantile
from services.monitoring.domain.regex import compiled, expanded

Function = Callable[[Sequence[Value], Grid], Value]

PLAIN: Mapping[str, str] = {
    "abs": "abs",
    "ceil": "ceil",
    "floor": "floor",
    "exp": "exp",
    "sqrt": "sqrt",
    "ln": "log",
    "log2": "log2",
    "log10": "log10",
    "sgn": "sign",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "deg": "rad2deg",
    "rad": "deg2rad",
}
"""Function -> numpy's name for it."""


def vector_of(value: Value) -> Vector:
    """The value as a vector; raises `Invalid` for another kind."""
    if not isinstance(value, Vector):
        raise Invalid("query-type", "an instant vector is expected")
    return value


def scalar_of(value: Value) -> Floats:
    """The value as a number a moment; raises `Invalid` for another kind."""
    if not isinstance(value, Scalar):
        raise Invalid("query-type", "a scalar is expected")
    return value.values


def text_of(value: Value) -> str:
    """The value as a string; raises `Invalid` for another kind."""
    if not isinstance(value, str):
        raise Invalid("query-type", "a string is expected")
    return value


def _plain(work: str) -> Function:
    def function(args: Sequence[Value], _: Grid) -> Value:
        vector = vector_of(args[0])
        return renamed(vector, getattr(np, work)(vector.values))

    return function


def _dated(work: Callable[[Floats], Floats]) -> Function:
    def function(args: Sequence[Value], grid: Grid) -> Value:
        if not args:
            return Vector([()], work(grid.times / 1000)[None, :], np.ones((1, grid.size), dtype=bool))
        vector = vector_of(args[0])
        return renamed(vector, work(vector.values))

    return function


def _round(args: Sequence[Value], grid: Grid) -> Value:
    """To the nearest multiple; ties go up."""
    vector = vector_of(args[0])
    nearest = 1 / (scalar_of(args[1]) if len(args) > 1 else np.ones(grid.size))
    return renamed(vector, np.floor(vector.values * nearest + 0.5) / nearest)


def _clamp(args: Sequence[Value], least: Floats, most: Floats) -> Value:
    """NaN as a bound gives NaN; bounds that exclude everything leave nothing."""
    vector = vector_of(args[0])
    values = np.maximum(least, np.minimum(most, vector.values))
    return pruned(renamed(vector, values, vector.present & ~(least > most)))


def _clamped(args: Sequence[Value], _: Grid) -> Value:
    return _clamp(args, scalar_of(args[1]), scalar_of(args[2]))


def _at_least(args: Sequence[Value], grid: Grid) -> Value:
    return _clamp(args, scalar_of(args[1]), np.full(grid.size, inf))


def _at_most(args: Sequence[Value], grid: Grid) -> Value:
    return _clamp(args, np.full(grid.size, -inf), scalar_of(args[1]))


def _vector(args: Sequence[Value], grid: Grid) -> Value:
    return Vector([()], scalar_of(args[0])[None, :], np.ones((1, grid.size), dtype=bool))


def _scalar(args: Sequence[Value], grid: Grid) -> Value:
    vector = vector_of(args[0])
    if not vector.labels:
        return Scalar(np.full(grid.size, nan))
    alone = vector.present.sum(axis=0) == 1
    return Scalar(np.where(alone, np.where(vector.present, vector.values, 0).sum(axis=0), nan))


def _sorted(sign: int) -> Function:
    def function(args: Sequence[Value], grid: Grid) -> Value:
        vector = vector_of(args[0])
        if grid.size != 1:
            return vector
        column = vector.values[:, 0]
        order = np.lexsort((np.arange(len(column)), np.where(np.isnan(column), inf, sign * column)))
        labels = [vector.labels[row] for row in order]
        return Vector(labels, vector.values[order], vector.present[order], ordered=True)

    return function


def _replaced(args: Sequence[Value], _: Grid) -> Value:
    vector = vector_of(args[0])
    target, template, source, expression = (text_of(value) for value in args[1:5])
    pattern = compiled(expression)
    check_label(target)

    def relabelled(labels: Labels) -> Labels:
        filled = expanded(pattern, dict(labels).get(source, ""), template)
        return labels if filled is None else changed(labels, {target: filled})

    labels = [relabelled(one) for one in vector.labels]
    return merged(Vector(labels, vector.values, vector.present, vector.ordered))


def _label_join(args: Sequence[Value], _: Grid) -> Value:
    vector = vector_of(args[0])
    target, separator, *sources = (text_of(value) for value in args[1:])
    check_label(target)
    found = [dict(labels) for labels in vector.labels]
    labels = [
        changed(one, {target: separator.join(by.get(name, "") for name in sources)})
        for one, by in zip(vector.labels, found, strict=True)
    ]
    return merged(Vector(labels, vector.values, vector.present, vector.ordered))


def check_label(name: str) -> None:
    """Raise `Invalid` for what is no name of a label (UTF-8 names are ones, empty ones aren't)."""
    if not name:
        raise Invalid("query-label", f'invalid destination label name "{name}"')


def _histogram_quantile(args: Sequence[Value], grid: Grid) -> Value:
    levels, vector = scalar_of(args[0]), vector_of(args[1])
    groups: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = _bound(dict(labels).get("le", ""))
        if bound is not None:
            groups.setdefault(without(labels, ("le",)), []).append((bound, row))
    rows = []
    for labels, buckets in groups.items():
        buckets.sort()
        values, present = np.zeros(grid.size), np.zeros(grid.size, dtype=bool)
        for moment in range(grid.size):
            there = [(b, float(vector.values[r, moment])) for b, r in buckets if vector.present[r, moment]]
            if there:
                present[moment], values[moment] = True, bucket_quantile(float(levels[moment]), there)
        rows.append((unnamed(labels), values, present))
    return merged(stacked(rows, grid.size))


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def absent_labels(node: Node) -> Labels:
    """What is known of a series that isn't there: what its selector says by equality, once a name."""
    select = node.select if isinstance(node, Range) else node
    if isinstance(select, Subquery) or not isinstance(select, Select) or len(select.alternatives) != 1:
        return ()
    names = [one.name for one in select.alternatives[0]]
    return labels_of(
        (one.name, one.value)
        for one in select.alternatives[0]
        if one.op == "=" and one.name != NAME and names.count(one.name) == 1
    )


def absent(labels: Labels, present: Vector, grid: Grid) -> Vector:
    """One series of value 1 when none is present."""
    missing: Bools = ~np.any(present.present, axis=0)
    return stacked([(labels, np.ones(grid.size), missing)], grid.size)


FUNCTIONS: Mapping[str, Function] = {
    **{name: _plain(work) for name, work in PLAIN.items()},
    **{name: _dated(work) for name, work in calendar.FUNCTIONS.items()},
    "round": _round,
    "clamp": _clamped,
    "clamp_min": _at_least,
    "clamp_max": _at_most,
    "vector": _vector,
    "scalar": _scalar,
    "time": lambda _, grid: Scalar(grid.times / 1000),
    "pi": lambda _, grid: Scalar(np.full(grid.size, np.pi)),
    "sort": _sorted(1),
    "sort_desc": _sorted(-1),
    "label_replace": _replaced,
    "label_join": _label_join,
    "histogram_quantile": _histogram_quantile,
}
