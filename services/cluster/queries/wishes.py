"""What is wished for members and not done yet."""

from __future__ import annotations

from libs.shared.store.protocol import Find, Store
from services.cluster.domain.wish import Wish

MOST = 500


async def wishes(store: Store) -> list[Wish]:
    """The first of them."""
    return list(await store.of(Wish).find(Find(limit=MOST)))
