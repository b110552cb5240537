"""Numbers as text, as Prometheus and the original write them."""

from __future__ import annotations

from decimal import Decimal
from math import isinf, isnan


def number(value: float) -> str:
    """The shortest decimal that reads back as the same value, without an exponent; NaN, +Inf, -Inf."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")
