"""One object as it is kept in memory: what lists sort and narrow by is at hand, all else is packed until someone asks.

A pod as Python's dictionaries weighs ten times what it does as text, and few of its fields are ever looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from services.cluster.domain.resource import JsonObject

DROPPED = "managedFields"
"""Who manages which field is half of an object, and nobody reads it here."""
METADATA = "metadata"
LOOSE = 4
"""What a byte of text weighs as a part of Python's dictionaries, about."""


class Held(Mapping[str, Any]):
    """An object, read like any other JSON; whatever isn't metadata is unpacked anew each time."""

    __slots__ = ("_about", "_keys", "_packed", "size")

    def __init__(self, found: JsonObject) -> None:
        self._about = {key: value for key, value in (found.get(METADATA) or {}).items() if key != DROPPED}
        rest = {key: value for key, value in found.items() if key != METADATA}
        self._keys = tuple(found)
        self._packed = orjson.dumps(rest)
        self.size = len(self._packed) + LOOSE * len(orjson.dumps(self._about))
        """About how many bytes of memory it takes."""

    def __getitem__(self, key: str) -> Any:
        if key == METADATA:
            return self._about
        return orjson.loads(self._packed)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def whole(self) -> dict[str, Any]:
        """The object as a dictionary of one's own."""
        rest = orjson.loads(self._packed)
        return {key: self._about if key == METADATA else rest[key] for key in self._keys}


def held(found: JsonObject) -> Held:
    """The object as it is kept."""
    return found if isinstance(found, Held) else Held(found)


def plain(found: JsonObject) -> dict[str, Any]:
    """The object as a dictionary, without what is dropped."""
    return held(found).whole()


def plainly(found: Iterable[JsonObject]) -> list[dict[str, Any]]:
    """Several."""
    return [plain(one) for one in found]
