"""Members that are null: in objects of known kinds they say as much as members that aren't there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dropped(value: Any) -> Any:
    """A copy without them, at any depth."""
    if isinstance(value, Mapping):
        return {key: dropped(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [dropped(item) for item in value]
    return value
