"""What a store of documents is, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from services.logging.domain.entry import Entry, Found, Kept, Kind
from services.logging.domain.interval import Interval
from services.logging.domain.wanted import Page, Span, Wish


class Store(Protocol):
    """Keeps entries and finds them. Every method raises `Busy` when the store can't be asked now."""

    async def keep(self, kind: Kind, entries: Sequence[Entry], *, soon: bool = True) -> list[Kept]:
        """Keep them, and return when they are durable, in the same order. Not `soon` waits for others' to share a
        commit with. Raises `Limited` when too much is waiting already; then nothing is kept.
        """
        ...

    async def page(self, kind: Kind, wish: Wish, span: Span, page: Page) -> Found:
        """Documents, and how many there are."""
        ...

    async def count(self, kind: Kind, wish: Wish, span: Span) -> tuple[int, int]:
        """How many entries there are, and of how many sources."""
        ...

    async def histogram(self, kind: Kind, wish: Wish, span: Span, interval: Interval) -> list[tuple[int, int]]:
        """Begin of each bucket in milliseconds, and how many are in it."""
        ...

    def walk(self, kind: Kind, wish: Wish, span: Span, most: int) -> AsyncIterator[Sequence[bytes]]:
        """Documents in batches, newest first, up to so many."""
        ...

    async def newest(self, kind: Kind, wish: Wish) -> bytes | None:
        """The newest document of them."""
        ...

    async def ready(self) -> None:
        """Return when it can be asked; raises `Busy` or `Broken`."""
        ...
