"""Arithmetic and comparison, value by value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.monitoring.domain.arrays import Bools, Floats, np

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: np.asarray(np.fmod(a, b)),
    "^": lambda a, b: a**b,
    "atan2": lambda a, b: np.asarray(np.arctan2(a, b)),
}
COMPARISON: Mapping[str, Callable[[Floats, Floats], Bools]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
SETS = frozenset({"and", "or", "unless"})


def applied(op: str, left: Floats, right: Floats, *, truth: bool) -> tuple[Floats, Bools | None]:
    """Values, and which of them a comparison keeps (None: all); with `truth` a comparison gives 0 or 1."""
    if op in ARITHMETIC:
        return ARITHMETIC[op](left, right), None
    holds = COMPARISON[op](left, right)
    return (holds.astype(float), None) if truth else (np.broadcast_to(left, holds.shape), holds)
