"""Moments in OpenPitrix' format: milliseconds, UTC (devops-apps-mesh 0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def moment(at: datetime) -> str:
    """`2023-01-02T03:04:05.000Z`."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def filled(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without texts that are empty: the original leaves those out."""
    return {key: value for key, value in said.items() if value != ""}
