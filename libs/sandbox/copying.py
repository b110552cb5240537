"""Copies of objects, to be changed while the ones that stand are read."""

from __future__ import annotations

from typing import TypeVar

import orjson

T = TypeVar("T")


def copied(value: T) -> T:
    """A copy of a JSON value, all the way down: by its text, ten times as fast as value by value."""
    copy: T = orjson.loads(orjson.dumps(value))
    return copy
