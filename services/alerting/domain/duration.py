"""Durations as Prometheus writes them: `1h30m`, units from years to milliseconds, each once and in that order."""

from __future__ import annotations

import re

PATTERN = "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
"""As the schema of rule groups says it."""
UNITS = (365 * 86_400.0, 7 * 86_400.0, 86_400.0, 3600.0, 60.0, 1.0, 0.001)
LONGEST = 40
_DURATION = re.compile(PATTERN.replace("0|", "", 1))


def seconds(text: str) -> float | None:
    """How long that is; None for no duration. Nothing at all is none."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text) if text and len(text) <= LONGEST and text.isascii() else None
    if match is None:
        return None
    return sum(int(amount) * unit for amount, unit in zip(match.groups()[2::2], UNITS, strict=True) if amount)
