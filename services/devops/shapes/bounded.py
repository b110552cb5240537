"""Free parts of objects: kept as they come, within a bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from libs.shared.errors import Malformed


def bounded(value: Mapping[str, Any], field: str, most: int) -> dict[str, Any]:
    """The value, when its JSON has at most so many bytes. Raises `Malformed`."""
    try:
        size = len(orjson.dumps(value))
    except TypeError:
        raise Malformed("not-json", f"{field} holds a number or a text that JSON has no form for") from None
    if size > most:
        raise Malformed("spec-too-large", f"{field} has {size} bytes; at most {most} are accepted")
    return dict(value)
