"""Wire JSON: the original's results of named metrics, and Prometheus' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Malformed
from services.monitoring.domain.answer import Answer, Row
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.ranking import Order, Page

BLANKS: Mapping[str, str] = {
    "min_value": "",
    "max_value": "",
    "avg_value": "",
    "sum_value": "",
    "fee": "",
    "resource_unit": "",
    "currency_unit": "",
}
TIMES = (
    ("time", "Unix seconds of the one moment that is asked for; now unless given"),
    ("start", "Unix seconds where a range begins; with `end`"),
    ("end", "Unix seconds where a range ends; with `start`"),
    ("step", "distance of a range's points, such as 1h30m; 10m unless given"),
)
PARAMETERS = (
    ("metrics_filter", "an expression (RE2, not anchored) that names of metrics match; all unless given"),
    ("resources_filter", "an expression (RE2, anchored) that names of resources match; all unless given"),
    *TIMES,
    ("sort_metric", "the metric that ranks resources; of one moment only"),
    ("sort_type", "asc; anything else is descending"),
    ("page", "which page of the ranking, from 1"),
    ("limit", "resources in a page; 5 unless given"),
)


class FailureShape(BaseModel):
    """An error, as Prometheus tells it."""

    model_config = ConfigDict(frozen=True)

    status: Literal["error"]
    errorType: str  # noqa: N815  # Prometheus' name
    error: str


class SeriesShape(BaseModel):
    """One series; the seven texts are empty here (they belong to metering)."""

    metric: dict[str, str] | None = None
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] | None = None
    min_value: str
    max_value: str
    avg_value: str
    sum_value: str
    fee: str
    resource_unit: str
    currency_unit: str


class DataShape(BaseModel):
    """Both are absent where there is nothing."""

    model_config = ConfigDict(extra="forbid")

    resultType: str | None = None  # noqa: N815  # the wire's own name, spelt once
    result: list[SeriesShape] | None = None


class MetricShape(BaseModel):
    """One metric; `error` where it could not be worked out."""

    metric_name: str | None = None
    data: DataShape
    error: str | None = None


class MetricsShape(BaseModel):
    """`results` in order of names; the numbers are there once the answer is sorted."""

    results: list[MetricShape] | None
    page: int | None = None
    total_page: int | None = None
    total_item: int | None = None


def metrics(page: Page) -> dict[str, Any]:
    """The answers of named metrics."""
    results = [{"metric_name": name, **_metric(answer)} for name, answer in sorted(page.answers.items())]
    numbers = {"page": page.page, "total_page": page.pages, "total_item": page.items}
    return {"results": results or None, **{name: value for name, value in numbers.items() if value}}


def missed(names: list[str]) -> dict[str, Any]:
    """Metrics of a level without a hit."""
    return {"results": [{"metric_name": name, "data": {}} for name in names]}


def single(answer: Answer) -> dict[str, Any]:
    """The answer to one expression: no list around it. A number or a text has no series (recorded)."""
    if answer.kind in ("scalar", "string"):
        return {"data": {"resultType": "vector"}}
    return _metric(answer)


def _metric(answer: Answer) -> dict[str, Any]:
    if answer.error:
        return {"data": {}, "error": answer.error}
    data: dict[str, Any] = {"resultType": answer.kind}
    if answer.rows:
        data["result"] = [_row(row, answer.kind) for row in answer.rows]
    return {"data": data}


def _row(row: Row, kind: str) -> dict[str, Any]:
    told: dict[str, Any] = {"metric": row.metric} if row.metric else {}
    if row.points:
        told |= {"value": row.points[0]} if kind == "vector" else {"values": row.points}
    return {**told, **BLANKS}


def order(query: Mapping[str, str]) -> Order | None:
    """What the query says of sorting; raises `Malformed` in the original's words. Nothing of it counts without
    `sort_metric`.
    """
    if not query.get("sort_metric"):
        return None
    page, limit = (_counted(query, name, usual) for name, usual in (("page", 1), ("limit", 5)))
    return Order(query["sort_metric"], query.get("sort_type") == "asc", page, limit)


def _counted(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, "")
    if not text:
        return usual
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < 1:  # noqa: PLR2004  # fits Go's int
        raise Malformed("monitoring-page", f"Invalid parameter '{name}'.")
    return int(text)


def data(answer: Answer) -> dict[str, Any]:
    """Prometheus' `data` object of an answer."""
    if answer.kind in ("scalar", "string"):
        return {"resultType": answer.kind, "result": answer.rows[0].points[0]}
    key = "value" if answer.kind == "vector" else "values"
    rows = [
        {"metric": row.metric, key: row.points[0] if answer.kind == "vector" else row.points} for row in answer.rows
    ]
    return {"resultType": answer.kind, "result": rows}


def label_sets(series: list[Labels]) -> list[dict[str, str]]:
    """Series by their labels."""
    return [dict(labels) for labels in series]
