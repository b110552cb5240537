"""Where a request points within a kind: namespace and name out of its path, and what the kit hands to handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from libs.shared.errors import Missing
from libs.shared.kinds.kind import D, Kind
from libs.shared.store.protocol import Store
from libs.shared.values import Clock


class Parts(Protocol):
    """What serving kinds needs of a service's Parts."""

    @property
    def store(self) -> Store:
        """The service's store."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Namespace (empty: of no namespace, or all of them) and name (empty: the collection)."""

    namespace: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        """The document's key."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def place(request: web.Request) -> Place:
    """Where the path points."""
    return Place(request.match_info.get("namespace", ""), request.match_info.get("name", ""))


def missing(kind: Kind[Any], name: str) -> Missing:
    """No object of this name."""
    return Missing(
        "object-missing",
        f'{kind.plural}.{kind.group} "{name}" not found',
        resource=kind.plural,
        name=name,
    )


async def found(kind: Kind[D], parts: Parts, at: Place) -> D:
    """The document there; raises `Missing`."""
    document = await parts.store.of(kind.document).look(at.key)
    if document is None:
        raise missing(kind, at.name)
    return document
