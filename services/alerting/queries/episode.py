"""The history of alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from libs.shared.store.protocol import Clause, Equal, Find, Range, Store
from services.alerting.domain.episode import Episode, place

SWEPT = 200
"""Removed in one unit."""


@dataclass(frozen=True, slots=True)
class Past:
    """Which: of a level and namespace (empty: of all), a page of `limit`, older than the one that `after` names."""

    level: str = ""
    namespace: str = ""
    after: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them, the newest first, and where the next page begins (empty: nowhere)."""

    episodes: list[Episode] = field(default_factory=list)
    next: str = ""


async def find_episodes(store: Store, past: Past) -> Page:
    """The newest first."""
    where: list[Clause] = []
    if past.level:
        where += [Equal("level", past.level), Equal("namespace", past.namespace)]
    if past.after:
        where.append(Range("order", high=past.after))
    found = await store.of(Episode).find(Find(tuple(where), "-order", past.limit + 1))
    page = found[: past.limit]
    return Page(page, page[-1].order if len(found) > past.limit else "")


async def old_episodes(store: Store, before: datetime, most: int) -> list[str]:
    """Names of those that are over and began before this moment, or are more than `most`; a bounded number."""
    over = (Equal("open", value=False),)
    old = await store.of(Episode).find(Find((*over, Range("order", high=place(before))), "order", SWEPT))
    if old:
        return [one.id for one in old]
    extra = await store.of(Episode).count(Find(over)) - most
    if extra <= 0:
        return []
    return [one.id for one in await store.of(Episode).find(Find(over, "order", min(extra, SWEPT)))]
