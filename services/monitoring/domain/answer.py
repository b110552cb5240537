"""What a query gave, whoever answered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.monitoring.domain.promql.frames import Grid, Samples, Scalar, Value, Vector
from services.monitoring.domain.promql.wording import number

Point = tuple[float, str]
"""Seconds since 1970 and the value as text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One series; `points` has one of them in a vector."""

    metric: Mapping[str, str]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`kind` is vector, matrix, scalar or string, and empty of one that failed; then `error` says why."""

    kind: str = ""
    rows: tuple[Row, ...] = ()
    error: str = ""


BLANK = Row({}, ())


def seconds(milliseconds: int) -> float:
    """A whole number where it is one."""
    whole, rest = divmod(milliseconds, 1000)
    return whole + rest / 1000 if rest else whole


def answered(value: Value | Samples, grid: Grid, *, instant: bool) -> Answer:
    """A value of the evaluator as an answer. The series of a matrix are sorted by their labels."""
    times = [seconds(at) for at in grid.times.tolist()]
    match value:
        case str():
            return Answer("string", (Row({}, ((times[0], value),)),))
        case Scalar(values):
            points = tuple(zip(times, map(number, values.tolist()), strict=True))
            return Answer("scalar" if instant else "matrix", (Row({}, points),))
        case Samples(series):
            rows = tuple(
                Row(
                    dict(one.labels),
                    tuple(
                        (seconds(t), number(v)) for t, v in zip(one.times.tolist(), one.values.tolist(), strict=True)
                    ),
                )
                for one in series
            )
            return Answer("matrix", rows)
        case Vector():
            return Answer("vector" if instant else "matrix", _rows(value, times))


def _rows(vector: Vector, times: list[float]) -> tuple[Row, ...]:
    rows = [
        Row(dict(labels), tuple((at, number(v)) for at, v, there in zip(times, values, present, strict=True) if there))
        for labels, values, present in zip(vector.labels, vector.values.tolist(), vector.present.tolist(), strict=True)
    ]
    if not vector.ordered:
        rows.sort(key=lambda row: tuple(row.metric.items()))
    return tuple(row for row in rows if row.points)
