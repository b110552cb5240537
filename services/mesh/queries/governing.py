"""What is wanted of a component, and what was written of services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from libs.shared.store.protocol import Equal, Find, Store
from services.mesh.domain.component import Key
from services.mesh.domain.governing import Governing, path_of
from services.mesh.domain.split import Split

G = TypeVar("G", bound=Governing)
SOME = 2
"""One is carried out, and two are one too many."""


async def of_component(store: Store, kind: type[G], namespace: str, component: str) -> Sequence[G]:
    """Those of a component; at most two."""
    wanted = (Equal("namespace", namespace), Equal("component", component))
    return await store.of(kind).find(Find(wanted, limit=SOME))


async def split_of(store: Store, key: Key) -> Split | None:
    """What was written of a service."""
    return await store.of(Split).look(path_of(*key))


async def written(store: Store) -> list[Key]:
    """Every service of which something was written."""
    return [split.where for split in await store.of(Split).find(Find())]
