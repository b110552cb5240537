"""Prometheus' text format: families of samples, written in the order they are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_EXACT: Final = 1 << 53

Row = tuple[str, float]
"""Labels as `labels` writes them, and the value."""


def labels(**values: str) -> str:
    """Labels in braces, in the order given; nothing for none."""
    inner = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in values.items())
    return f"{{{inner}}}" if inner else ""


def family(name: str, kind: str, about: str, rows: Iterable[Row]) -> str:
    """All samples of one name; nothing where there are none."""
    lines = [f"{name}{told} {number(value)}" for told, value in rows]
    return "\n".join((f"# HELP {name} {about}", f"# TYPE {name} {kind}", *lines, "")) if lines else ""


def number(value: float) -> str:
    """A value in its shortest form that reads back the same."""
    return str(int(value)) if value == int(value) and abs(value) < _EXACT else repr(float(value))
