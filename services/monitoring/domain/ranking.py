"""Sorting and paging of what named metrics gave at one moment (spec 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isnan

from services.monitoring.domain.answer import BLANK, Answer, Row


@dataclass(frozen=True, slots=True)
class Page:
    """Answers by metric; numbers of 0 aren't told."""

    answers: Mapping[str, Answer]
    page: int = 0
    pages: int = 0
    items: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """Which metric ranks the resources, and which part is wanted; a limit or page below 1 is all of it."""

    metric: str
    ascending: bool
    page: int
    limit: int


def ranked(answers: Mapping[str, Answer], label: str, order: Order) -> Page:
    """All metrics in one order of resources. A metric in error is left out; a resource that a metric has nothing of is
    blank there.
    """
    found = {name: answer for name, answer in answers.items() if not answer.error}
    tables = {name: {row.metric.get(label, ""): row for row in answer.rows} for name, answer in found.items()}
    names = sorted({resource for table in tables.values() for resource in table if resource})
    ranks = tables.get(order.metric)
    if ranks is not None:
        names.sort(key=lambda name: _rank(ranks.get(name), ascending=order.ascending))
    page, pages, shown = 1, 1, names
    if order.page >= 1 and order.limit >= 1:
        page, pages = order.page, ceil(len(names) / order.limit)
        shown = names[(order.page - 1) * order.limit : order.page * order.limit]
    laid = {
        name: Answer(answer.kind, tuple(tables[name].get(resource, BLANK) for resource in shown))
        for name, answer in found.items()
    }
    return Page(laid, page, pages, len(names))


def _rank(row: Row | None, *, ascending: bool) -> tuple[int, float]:
    """Values first, NaN next, what is missing last."""
    if row is None or not row.points:
        return 2, 0
    value = float(row.points[0][1])
    if isnan(value):
        return 1, 0
    return 0, value if ascending else -value
