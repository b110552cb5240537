"""An expression worked out over a grid of moments. Prometheus 3 decides what is right: left-open ranges, lookback of
five minutes, marks of ended series, extrapolated rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.errors import Invalid
from services.monitoring.domain.arrays import np
from services.monitoring.domain.labels import unnamed
from services.monitoring.domain.promql import functions, selecting, windows
from services.monitoring.domain.promql.aggregating import aggregated
from services.monitoring.domain.promql.frames import (
    MOST_POINTS,
    SUBQUERY_STEP,
    Budget,
    Grid,
    Samples,
    Scalar,
    Series,
    Source,
    Value,
    Vector,
    merged,
    pruned,
    renamed,
    stacked,
)
from services.monitoring.domain.promql.matching import combined, joined
from services.monitoring.domain.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Negative,
    Node,
    Number,
    Range,
    Select,
    Subquery,
    Text,
)
from services.monitoring.domain.promql.operators import ARITHMETIC, COMPARISON, SETS, applied

OWN = frozenset({"timestamp", "absent", "absent_over_time"})
OFFERED = frozenset(functions.FUNCTIONS) | frozenset(windows.FUNCTIONS) | OWN
"""Functions; any other is refused by name."""
ABSENT = frozenset({"absent", "absent_over_time"})


def evaluated(node: Node, source: Source, grid: Grid, budget: Budget) -> Value | Samples:
    """The value of an expression; raises `Invalid` for what Prometheus refuses too and for what isn't offered here."""
    evaluation = Evaluation(source, budget)
    with np.errstate(all="ignore"):
        if isinstance(node, Range | Subquery) and grid.size == 1:
            return evaluation.samples(node, grid)
        value = evaluation.value(node, grid)
    return merged(value) if isinstance(value, Vector) else value


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One query under way."""

    source: Source
    budget: Budget

    def value(self, node: Node, grid: Grid) -> Value:
        """Of any node."""
        self.budget.check()
        value: Value
        match node:
            case Number(number):
                value = Scalar(np.full(grid.size, number))
            case Text(value):
                pass
            case Select():
                value = selecting.instant(self.source, node, grid, self.budget)[0]
            case Negative() | Binary():
                value = self._operated(node, grid)
            case Aggregate():
                param = None if node.param is None else self.value(node.param, grid)
                value = aggregated(node, functions.vector_of(self.value(node.of, grid)), param)
            case Call():
                value = self._call(node, grid)
            case Range() | Subquery():
                raise Invalid("query-type", "a range vector stands where an instant vector or a number is expected")
        return value

    def samples(self, node: Range | Subquery, grid: Grid) -> Samples:
        """What a range vector holds at the grid's one moment."""
        found = []
        for one in self._ranges(node, grid):
            part = slice(one.low[0], one.high[0])
            if one.counts[0]:
                found.append(Series(one.labels, one.times[part], one.values[part]))
        return Samples(found)

    def _operated(self, node: Negative | Binary, grid: Grid) -> Value:
        if isinstance(node, Binary):
            return self._binary(node, grid)
        value = self.value(node.of, grid)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        vector = functions.vector_of(value)
        return renamed(vector, -vector.values)

    def _call(self, node: Call, grid: Grid) -> Value:
        name, args = node.name, node.args
        if name in ABSENT:
            return self._absent(node, grid)
        if name == "timestamp":
            return self._timestamp(args[0], grid)
        if name in windows.FUNCTIONS:
            return self._windowed(node, grid)
        function = functions.FUNCTIONS.get(name)
        if function is None:
            raise Invalid("promql", f"the function {name} is not offered")
        return function([self.value(one, grid) for one in args], grid)

    def _absent(self, node: Call, grid: Grid) -> Vector:
        of = node.args[0]
        present = self._windowed(Call("present_over_time", node.args), grid) if node.name != "absent" else None
        found = functions.vector_of(self.value(of, grid)) if present is None else present
        return functions.absent(functions.absent_labels(of), found, grid)

    def _timestamp(self, of: Node, grid: Grid) -> Vector:
        if isinstance(of, Select):
            vector, times = selecting.instant(self.source, of, grid, self.budget)
            values = np.array(times, dtype=float).reshape(vector.values.shape) / 1000
            return renamed(vector, values)
        vector = functions.vector_of(self.value(of, grid))
        return renamed(vector, np.broadcast_to(grid.times / 1000, vector.values.shape))

    def _windowed(self, node: Call, grid: Grid) -> Vector:
        """A function of a range vector."""
        function, args = windows.FUNCTIONS[node.name], node.args
        given, param = args[0], None
        if node.name in windows.PARAM_FIRST:
            given, param = args[1], functions.scalar_of(self.value(args[0], grid))
        elif node.name in windows.PARAM_LAST:
            param = functions.scalar_of(self.value(args[1], grid))
        rows = []
        for one in self._ranges(given, grid):
            self.budget.check()
            labels = one.labels if node.name in windows.NAMED else unnamed(one.labels)
            rows.append((labels, *function(one, param)))
        return merged(stacked(rows, grid.size))

    def _ranges(self, node: Node, grid: Grid) -> list[windows.Windows]:
        if isinstance(node, Range):
            return selecting.windows(self.source, node.select, node.span, grid, self.budget)
        if not isinstance(node, Subquery):
            raise Invalid("query-type", "a range vector is expected")
        when = selecting.moments(grid, node.offset, node.at)
        step = node.step or SUBQUERY_STEP
        start = (int(when.min()) - node.span) // step * step + step
        steps = (int(when.max()) - start) // step + 1
        if steps > 10 * MOST_POINTS:
            raise Invalid("query-resolution", f"a subquery may have {10 * MOST_POINTS} steps, this has {steps}")
        times = np.arange(start, int(when.max()) + 1, step, dtype=np.int64)
        if not len(times):
            return []
        inner = _series_of(self.value(node.of, Grid(times, grid.first, grid.last)))
        self.budget.take(int(inner.present.sum()))
        return list(selecting.of_vector(inner, times, when, node.span, grid))

    def _binary(self, node: Binary, grid: Grid) -> Value:
        left, right = self.value(node.left, grid), self.value(node.right, grid)
        if node.op not in ARITHMETIC and node.op not in COMPARISON and node.op not in SETS:
            raise Invalid("promql", f"the operator {node.op} is not offered")
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return Scalar(applied(node.op, left.values, right.values, truth=True)[0])
        if isinstance(left, Vector) and isinstance(right, Vector):
            return combined(node, left, right) if node.op in SETS else joined(node, left, right)
        return _scaled(node, left, right)


def _series_of(value: Value) -> Vector:
    """A subquery's inner value: a scalar is one series without labels."""
    if isinstance(value, Scalar):
        return Vector([()], value.values[None, :], np.ones((1, len(value.values)), dtype=bool))
    return functions.vector_of(value)


def _scaled(node: Binary, left: Value, right: Value) -> Vector:
    """A vector and a number; a comparison keeps the vector's own value and name."""
    flipped = isinstance(left, Scalar)
    vector = functions.vector_of(right if flipped else left)
    number = functions.scalar_of(left if flipped else right)
    wide = np.broadcast_to(number, vector.values.shape)
    a, b = (wide, vector.values) if flipped else (vector.values, wide)
    values, kept = applied(node.op, a, b, truth=node.truth)
    if kept is None:
        return renamed(vector, values)
    return pruned(Vector(vector.labels, vector.values, vector.present & kept, vector.ordered))
