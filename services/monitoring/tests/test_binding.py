"""Expressions bound to what their caller may read."""

from __future__ import annotations

import pytest

from libs.shared.errors import Invalid
from services.monitoring.clients.binding import bound, bound_to
from services.monitoring.domain.labels import Matcher


def test_every_selector_is_bound() -> None:
    """A namespace's matcher is in every selector, also where another stood, in ranges, subqueries and on both sides."""
    text = 'sum(rate(a{namespace="x"}[5m])) / on () max_over_time((b or {c="d",namespace=~".*"})[1h:5m])'
    assert bound(text, "own").count('namespace="own"') == text.count("[5m]") + 2
    assert "x" not in bound(text, "own").replace("max", "")


def test_expression_of_a_matcher_holds_besides_its_own() -> None:
    """A matcher of many values narrows what the expression says of the label, and does not replace it."""
    found = bound_to('up{namespace="a"}', [Matcher("namespace", "=~", "(a|b)")])
    assert found == '{__name__="up", namespace="a", namespace=~"(a|b)"}'
    assert bound_to("up", []) == "up"


@pytest.mark.parametrize("value", ['"} or up{x="', "\\", "\n", '"'])
def test_hostile_value_stays_a_value(value: str) -> None:
    """Whatever a value holds, it ends no selector: bound again, the same one stands there."""
    once = bound_to("up", [Matcher("namespace", "=", value)])
    assert bound_to(once, [Matcher("namespace", "=", value)]) == once


def test_matcher_that_cannot_be_read_is_refused() -> None:
    """A regular expression that doesn't compile is refused before anything is asked."""
    with pytest.raises(Invalid, match="parsing regexp"):
        bound_to("up", [Matcher("namespace", "=~", "(")])
