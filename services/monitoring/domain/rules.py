"""Recording rules: an expression, and the series that its answer becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.monitoring.domain.labels import NAME, changed
from services.monitoring.domain.named import spelled
from services.monitoring.domain.promql.frames import Scalar, Value, Vector
from services.monitoring.domain.sample import Reading


@dataclass(frozen=True, slots=True)
class Rule:
    """`labels` are set on what the expression gives, besides the name."""

    record: str
    expression: str
    labels: tuple[tuple[str, str], ...] = ()


def rules_of(data: Mapping[str, Sequence[Mapping[str, Any]]], macros: Mapping[str, str]) -> tuple[Rule, ...]:
    """From the seed's JSON: in the order that they stand in, each after those that it reads."""
    return tuple(
        Rule(one["record"], spelled(one["expr"], macros), tuple(sorted(one.get("labels", {}).items())))
        for one in data["rules"]
    )


def recorded(rule: Rule, value: Value, at: int) -> list[Reading]:
    """The samples that an evaluation at one moment gives."""
    if isinstance(value, Scalar):
        return [(changed((), {NAME: rule.record, **dict(rule.labels)}), at, float(value.values[0]))]
    if not isinstance(value, Vector):
        return []
    new = {NAME: rule.record, **dict(rule.labels)}
    return [
        (changed(labels, new), at, float(values[0]))
        for labels, values, present in zip(value.labels, value.values, value.present, strict=True)
        if present[0]
    ]
