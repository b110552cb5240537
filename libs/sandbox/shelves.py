"""Objects of one resource in memory, in the order of lists: by namespace, then by name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from libs.sandbox.changes import Stored

Key = tuple[str, str]
"""Namespace (empty where there is none) and name."""


class Shelf:
    """Found by key at once; a page begins anywhere without looking at what is before it."""

    __slots__ = ("_found", "_order")

    def __init__(self) -> None:
        self._found: dict[Key, Stored] = {}
        self._order: list[Key] = []

    def get(self, key: Key) -> Stored | None:
        """The object, if there is one."""
        return self._found.get(key)

    def put(self, key: Key, stored: Stored) -> None:
        """A new object, or a new version of it."""
        if key not in self._found:
            insort(self._order, key)
        self._found[key] = stored

    def drop(self, key: Key) -> None:
        """Keep it no longer."""
        del self._found[key]
        del self._order[bisect_left(self._order, key)]

    def within(self, namespace: str = "", after: Key | None = None) -> Iterator[Stored]:
        """Objects of a namespace, or all, as they are now; after a key, which needn't be there."""
        first, last = self._bounds(namespace, after)
        for key in self._order[first:last]:
            if (stored := self._found.get(key)) is not None:
                yield stored

    def count(self, namespace: str = "", after: Key | None = None) -> int:
        """How many that is."""
        first, last = self._bounds(namespace, after)
        return max(0, last - first)

    def _bounds(self, namespace: str, after: Key | None) -> tuple[int, int]:
        first, last = 0, len(self._order)
        if namespace:
            first = bisect_left(self._order, (namespace, ""))
            last = bisect_left(self._order, (f"{namespace}\0", ""))
        if after is not None:
            first = max(first, bisect_right(self._order, after))
        return first, last
