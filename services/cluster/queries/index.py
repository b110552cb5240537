"""Every fact as the event that would make it so: the snapshot of the gateway's index."""

from __future__ import annotations

from collections.abc import AsyncIterator

from libs.shared.event import Event
from libs.shared.store.protocol import Find, Range, Store
from services.cluster.domain.fact import Fact, key_of, subject
from services.cluster.domain.project import Ending, Founded
from services.cluster.domain.shelf import Key

PAGE = 500
"""Facts read at a time."""


async def facts(store: Store) -> AsyncIterator[Fact]:
    """All, in pages by key: one that comes or goes meanwhile moves no other out of sight."""
    last = ""
    while True:
        page = await store.of(Fact).find(Find((Range("name", low=last),), sort="name", limit=PAGE + 1))
        for fact in page:
            if fact.name > last:
                yield fact
        if len(page) <= PAGE:
            return
        last = page[-1].name


async def index(store: Store) -> AsyncIterator[tuple[str, int, Event]]:
    """Subject, the fact's version, and the event."""
    async for fact in facts(store):
        yield subject(key_of(fact)), fact.stamp.version, fact.present()


async def noted_keys(store: Store) -> list[Key]:
    """What is noted."""
    return [key_of(fact) async for fact in facts(store)]


async def founded(store: Store, uid: str) -> bool:
    """Whether the creator of the project of this uid was made its admin."""
    return await store.of(Founded).look(uid) is not None


async def endings(store: Store) -> dict[str, Ending]:
    """Workspaces that have ended, by name."""
    return {ending.name: ending for ending in await store.of(Ending).find()}
