"""Reading letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from libs.shared.errors import Missing
from libs.shared.store.protocol import Clause, Equal, Find, OneOf, Range, Store
from services.notification.domain.address import Address
from services.notification.domain.letter import ENDED, Letter, State, place

INSTANT = timedelta(microseconds=1)
SWEPT = 200
"""Documents removed in one unit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters: to an address, in a state; a page of `limit`, older than the one that `after` names."""

    to: str = ""
    state: State | None = None
    after: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A page, how many there are in all, and where the next page begins (empty: nowhere)."""

    letters: list[Letter] = field(default_factory=list)
    total: int = 0
    next: str = ""


async def find_letters(store: Store, wanted: Wanted) -> Found:
    """The newest first."""
    named: list[Clause] = [Equal("to", wanted.to)] if wanted.to else []
    if wanted.state is not None:
        named.append(Equal("state", wanted.state))
    page = [*named, Range("order", high=wanted.after)] if wanted.after else named
    letters = await store.of(Letter).find(Find(tuple(page), "-order", wanted.limit + 1))
    more = len(letters) > wanted.limit
    letters = letters[: wanted.limit]
    total = await store.of(Letter).count(Find(tuple(named)))
    return Found(letters, total, letters[-1].order if more else "")


async def get_letter(store: Store, name: str) -> Letter:
    """One letter; raises `Missing`."""
    letter = await store.of(Letter).look(name)
    if letter is None:
        raise Missing("letter-missing", f"there is no letter {name}", resource="letters", name=name)
    return letter


async def next_due(store: Store) -> datetime | None:
    """When the first of the waiting letters is due."""
    waiting = await store.of(Letter).find(Find((Equal("state", State.QUEUED),), "due_at", 1))
    return waiting[0].due_at if waiting else None


async def due_letters(store: Store, at: datetime, limit: int) -> list[str]:
    """Names of the letters that are due, the longest due first."""
    due = Find((Equal("state", State.QUEUED), Range("due_at", high=at + INSTANT)), "due_at", limit)
    return [letter.id for letter in await store.of(Letter).find(due)]


async def begun_letters(store: Store, limit: int) -> list[str]:
    """Names of letters that somebody is sending, or was."""
    return [letter.id for letter in await store.of(Letter).find(Find((Equal("state", State.SENDING),), limit=limit))]


async def old_letters(store: Store, before: datetime) -> list[str]:
    """Names of letters queued before this moment that were sent or given up, a bounded number."""
    old = Find((OneOf("state", ENDED), Range("order", high=place(before))), "order", SWEPT)
    return [letter.id for letter in await store.of(Letter).find(old)]


async def gone_users(store: Store, before: datetime) -> list[str]:
    """Users who were deleted before this moment, a bounded number."""
    gone = Find((Equal("gone", True), Range("changed_at", high=before)), limit=SWEPT)
    return [address.user for address in await store.of(Address).find(gone)]
