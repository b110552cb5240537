"""JSON pointers (RFC 6901), and what is true of JSON values whatever is done to them: size, depth, equality."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from libs.shared.errors import Malformed, TooLarge

DEEPEST = 64
"""Levels of nesting that a value, and steps that a pointer, may have."""

_BAD_ESCAPE = re.compile("~(?![01])")

Steps = tuple[str, ...]


def steps(pointer: str) -> Steps:
    """The steps of a pointer; `""` is the whole document. Raises `Malformed`, and `TooLarge` past `DEEPEST`."""
    if pointer and not pointer.startswith("/"):
        raise Malformed("pointer-unreadable", f'a JSON pointer is empty or starts with "/": {pointer!r}')
    if _BAD_ESCAPE.search(pointer):
        raise Malformed("pointer-unreadable", f'in a JSON pointer "~" is followed by 0 or 1: {pointer!r}')
    found = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    if len(found) > DEEPEST:
        raise TooLarge("value-too-deep", f"a JSON pointer has at most {DEEPEST} steps, this one {len(found)}")
    return found


def pointer(path: Steps) -> str:
    """The pointer with these steps."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def has(thing: Any, path: Steps) -> bool:
    """Whether an object holds a member at this path; arrays are not walked."""
    *way, last = path
    holder = _walk(thing, way)
    return isinstance(holder, Mapping) and last in holder


def look(thing: Any, path: Steps) -> Any:
    """The member at this path of an object, None where there is none."""
    return _walk(thing, path)


def _walk(thing: Any, path: Sequence[str]) -> Any:
    for step in path:
        thing = thing.get(step) if isinstance(thing, Mapping) else None
    return thing


def lift(thing: Any, path: Steps) -> bool:
    """Take the member at this path out of an object, in place; whether there was one."""
    *way, last = path
    holder = _walk(thing, way)
    if not isinstance(holder, dict) or last not in holder:
        return False
    del holder[last]
    return True


def weigh(value: Any, *, deepest: int = DEEPEST) -> int:
    """About how many bytes this value is as JSON; raises `TooLarge` when it is nested deeper than `deepest`."""
    total = 0
    level = [value]
    depth = 0
    while level:
        if depth > deepest:
            raise TooLarge("value-too-deep", f"JSON is nested at most {deepest} levels deep here")
        below: list[Any] = []
        for item in level:
            total += _own_weight(item)
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
        depth += 1
    return total


def _own_weight(item: Any) -> int:
    if isinstance(item, str):
        return len(item) + 3
    if isinstance(item, Mapping):
        return 2 + sum(len(key) + 3 for key in item)
    return 3


def same(one: Any, other: Any) -> bool:
    """Equality as RFC 6902 section 4.6 means it: numbers by value, and a flag is no number."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
