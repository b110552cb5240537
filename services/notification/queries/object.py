"""Reading objects, of the platform or of a tenant."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import Equal, Find, Store
from services.notification.domain.object import Kept


async def list_objects(store: Store, kind: type[Kept], owner: str) -> Sequence[Kept]:
    """Those of a tenant, or (empty) of the platform."""
    found: list[Kept] = list(await store.of(kind).find(Find((Equal("owner", owner),))))
    return found


async def get_object(store: Store, kind: type[Kept], owner: str, name: str) -> Kept:
    """One. Raises `Missing`, and `Denied` for one of somebody else."""
    kept: Kept | None = await store.of(kind).look(name)
    if kept is None:
        raise kind.NOUN.missing(name)
    if kept.owner != owner:
        raise kind.NOUN.foreign(owner)
    return kept
