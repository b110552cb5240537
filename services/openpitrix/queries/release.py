"""Releases, and which of them are to be worked on."""

from __future__ import annotations

from datetime import datetime, timedelta

from libs.shared.store.protocol import Clause, Equal, Find, Range, Store
from services.openpitrix.domain.naming import missing
from services.openpitrix.domain.release import Release

INSTANT = timedelta(microseconds=1)


async def releases_of(store: Store, workspace: str = "", namespace: str = "") -> list[Release]:
    """Those of a workspace and a project, as far as these are named."""
    where: list[Clause] = [Equal("workspace", workspace)] if workspace else []
    if namespace:
        where.append(Equal("namespace", namespace))
    return await store.of(Release).find(Find(tuple(where)))


async def get_release(store: Store, name: str, workspace: str, namespace: str) -> Release:
    """One of this very place; raises `Missing` for any other."""
    release = await store.of(Release).look(name)
    if release is None or (release.workspace, release.namespace) != (workspace, namespace):
        raise missing("helmrelease", name)
    return release


async def due_releases(store: Store, at: datetime, limit: int) -> list[Release]:
    """Those that are to be worked on, the longest due first."""
    return await store.of(Release).find(Find((Range("due_at", low="", high=at + INSTANT),), "due_at", limit))


async def next_due(store: Store, at: datetime) -> datetime | None:
    """When the next one is due."""
    found = await store.of(Release).find(Find((Range("due_at", low=at),), "due_at", 1))
    return found[0].due_at if found else None
