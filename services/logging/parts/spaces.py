"""The namespaces that stand, in memory."""

from __future__ import annotations

from collections.abc import Iterable

from services.logging.domain.space import Space


class Spaces:
    """Kept by a worker that watches the cluster; while it has not seen all of them once, nobody is shown anything."""

    def __init__(self) -> None:
        self._known: dict[str, Space] = {}

    def keep(self, space: Space) -> None:
        """It stands."""
        self._known[space.name] = space

    def drop(self, name: str) -> None:
        """It is gone."""
        self._known.pop(name, None)

    def keep_only(self, names: set[str]) -> None:
        """These are all that stand."""
        for name in self._known.keys() - names:
            del self._known[name]

    def get(self, name: str) -> Space | None:
        """The namespace of this name."""
        return self._known.get(name)

    def all(self) -> Iterable[Space]:
        """All of them."""
        return tuple(self._known.values())
