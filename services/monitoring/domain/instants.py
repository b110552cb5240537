"""Moments and steps as Prometheus' API takes them: seconds with decimals or RFC 3339; seconds or a duration."""

from __future__ import annotations

import re
from datetime import datetime
from math import isfinite

from libs.shared.errors import Invalid
from services.monitoring.domain.moment import FARTHEST

PIECES = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
PIECE = re.compile(r"([0-9]+)(ms|[smhdwy])")
UNITS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}.items()
LONGEST = 64


def instant(name: str, text: str) -> int:
    """Milliseconds since 1970; raises `Invalid`."""
    try:
        value = float(text) if len(text) <= LONGEST else float("nan")
    except ValueError:
        value = _dated(text)
    if not isfinite(value) or abs(value) > FARTHEST:
        raise Invalid("query-time", f'invalid parameter "{name}": cannot parse "{text[:100]}" to a valid timestamp')
    return round(value * 1000)


def _dated(text: str) -> float:
    try:
        at = datetime.fromisoformat(text[:LONGEST])
    except ValueError:
        return float("nan")
    return at.timestamp() if at.tzinfo else float("nan")


def resolution(text: str) -> int:
    """A step in milliseconds; raises `Invalid`."""
    known = dict(UNITS)
    try:
        value = float(text) * 1000 if len(text) <= LONGEST else float("nan")
    except ValueError:
        pieces = PIECE.findall(text) if len(text) <= LONGEST and PIECES.fullmatch(text) else []
        value = sum(int(n) * known[unit] for n, unit in pieces) if pieces else float("nan")
    if not isfinite(value) or abs(value) > FARTHEST * 1000:
        raise Invalid("query-step", f'invalid parameter "step": cannot parse "{text[:100]}" to a valid duration')
    if value <= 0:
        words = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise Invalid("query-step", f'invalid parameter "step": {words}')
    return max(round(value), 1)
