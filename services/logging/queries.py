"""Reading the store."""

from __future__ import annotations

from libs.shared.store.protocol import Find, Store
from services.logging.domain.read import Read
from services.logging.domain.workspace import Founded, founded_at

MOST = 10_000


async def read_up_to(store: Store, channel: str) -> str:
    """The position of the last message of a channel that is kept; empty: of none."""
    found = await store.of(Read).look(channel)
    return found.position if found else ""


async def workspaces(store: Store) -> dict[str, int]:
    """Since when each workspace is, in milliseconds; one of which that isn't known is left out."""
    found = await store.of(Founded).find(Find((), "workspace", MOST))
    known = ((one.workspace, founded_at(one.uid)) for one in found)
    return {name: at for name, at in known if at is not None}
