"""Durations as Go writes them: `1h30m`, `90s`, `1.5h`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 40
UNITS: Mapping[str, float] = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|us|µs|ns|h|m|s)")


def span_of(text: Any) -> float | None:
    """Seconds; None for what is no duration."""
    if not isinstance(text, str) or not text or len(text) > LONGEST:
        return None
    total, at = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != at:
            return None
        total, at = total + float(part[1]) * UNITS[part[2]], part.end()
    return total if at == len(text) else None


def printed(text: str) -> str:
    """As Go prints it again: `8h` is `8h0m0s`."""
    seconds = span_of(text)
    if seconds is None or seconds != int(seconds):
        return text
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
