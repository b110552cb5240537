"""Expressions that callers wrote, bound to the one namespace that they may read."""

from __future__ import annotations

from services.monitoring.clients.parser import parsed
from services.monitoring.domain.promql.printing import bound as bound_node
from services.monitoring.domain.promql.printing import printed


def bound(expression: str, namespace: str) -> str:
    """The expression with `namespace="…"` in every selector; raises `Invalid` for what can't be parsed."""
    return printed(bound_node(parsed(expression), "namespace", namespace))
