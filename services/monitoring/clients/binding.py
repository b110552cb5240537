"""Expressions that callers wrote, bound to what they may read."""

from __future__ import annotations

from collections.abc import Sequence

from services.monitoring.clients.parser import parsed
from services.monitoring.domain.labels import Matcher
from services.monitoring.domain.promql.printing import bound as bound_node
from services.monitoring.domain.promql.printing import printed


def bound(expression: str, namespace: str) -> str:
    """The expression with `namespace="…"` in every selector; raises `Invalid` for what can't be parsed."""
    return bound_to(expression, (Matcher("namespace", "=", namespace),))


def bound_to(expression: str, matchers: Sequence[Matcher]) -> str:
    """The expression with these in every selector; as it is without any. Raises `Invalid` for what can't be parsed, and
    for a matcher that can't be read.
    """
    node = parsed(expression)
    for matcher in matchers:
        matcher.test()
        node = bound_node(node, matcher)
    return printed(node) if matchers else expression
