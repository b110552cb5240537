"""The index as a store: commits that many share, and questions with a bound on number, size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from libs.shared.bell import Bell
from libs.shared.errors import Broken, Busy, Fault, Limited
from libs.shared.values import Clock
from services.logging.clients.index.shelf import Deadline, Shelf
from services.logging.domain.entry import Entry, Found, Kept, Kind
from services.logging.domain.interval import Interval, buckets
from services.logging.domain.wanted import Page, Span, Wish

T = TypeVar("T")
LINGER = 1.0
"""Seconds that entries which nobody waits for gather before a commit."""
MOST_WAITING = 48 << 20
"""Bytes that wait for a commit."""
MOST_ASKING = 64
"""Questions that are asked at one time, waiting ones included."""
CHUNK = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    kind: Kind
    entries: Sequence[Entry]
    told: asyncio.Future[list[Kept]] = field(repr=False)
    size: int = 0


class Index:
    """A folder of indices. `run` is the loop that commits: while it does not run, nobody's `keep` returns."""

    def __init__(self, folder: Path, clock: Clock, *, most_days: int, seconds: float, linger: float = LINGER) -> None:
        """`seconds` is how long a question may take, `linger` how long entries wait that nobody waits for."""
        self._linger = linger
        self._folder, self._most_days, self._seconds = folder, most_days, seconds
        self._waiting: list[_Batch] = []
        self._size = 0
        self._asking = 0
        self._filled, self._hurry = asyncio.Event(), Bell(clock)
        self._writing = ThreadPoolExecutor(1, "index-write")
        self._reading = ThreadPoolExecutor(2, "index-read")
        self._shelf_made: Shelf | None = None

    @property
    def _shelf(self) -> Shelf:
        if self._shelf_made is None:
            self._shelf_made = Shelf(self._folder, self._most_days)
        return self._shelf_made

    async def ready(self) -> None:
        """Whether the folder can be used; raises `Broken`."""
        try:
            _ = self._shelf
        except OSError as error:
            raise Broken("index-folder", f"{self._folder} can't be used: {error}") from None

    async def keep(self, kind: Kind, entries: Sequence[Entry], *, soon: bool = True) -> list[Kept]:
        """Keep them; see `Store.keep`."""
        size = sum(entry.size for entry in entries)
        if not entries:
            return []
        if self._size and self._size + size > MOST_WAITING:
            raise Limited("index-full", "too many documents wait to be kept: try again", retry_after=1)
        batch = _Batch(kind, entries, asyncio.get_running_loop().create_future(), size)
        self._size += size
        self._waiting.append(batch)
        self._filled.set()
        if soon:
            self._hurry.ring()
        return await batch.told

    async def run(self) -> None:
        """Commit what waits, for ever: what comes during a commit shares the next."""
        while True:
            await self._filled.wait()
            await self._hurry.wait(self._linger)
            self._filled.clear()
            batches, self._waiting = self._waiting, []
            await self._commit(batches)
            self._size -= sum(batch.size for batch in batches)

    async def _commit(self, batches: Sequence[_Batch]) -> None:
        places: dict[tuple[str, str], list[tuple[_Batch, int]]] = {}
        for batch in batches:
            for at, entry in enumerate(batch.entries):
                places.setdefault((batch.kind.name, entry.day), []).append((batch, at))
        told = {id(batch): [Kept("refused")] * len(batch.entries) for batch in batches}
        for (_, day), group in places.items():
            entries = [batch.entries[at] for batch, at in group]
            try:
                kept = await self._written(partial(self._shelf.write, group[0][0].kind, day, entries))
            except Fault as fault:
                _fail({id(batch): batch for batch, _ in group}.values(), fault)
                continue
            for (batch, at), one in zip(group, kept, strict=True):
                told[id(batch)][at] = one
        for batch in batches:
            if not batch.told.done():
                batch.told.set_result(told[id(batch)])

    async def _written(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writing, work)
        except OSError as error:
            raise Broken("index-write", f"{self._folder} can't be written: {error}") from None

    async def _asked(self, work: Callable[[Deadline], T]) -> T:
        """In a thread; raises `Busy` when too many ask, or it takes too long."""
        if self._asking >= MOST_ASKING:
            raise Busy("index-asked", "too many queries are being answered: try again", retry_after=1)
        self._asking += 1
        deadline = Deadline()
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.get_running_loop().run_in_executor(self._reading, work, deadline)
        except TimeoutError:
            text = f"the query took longer than {self._seconds:g} s: narrow its time or its namespaces"
            raise Busy("index-slow", text) from None
        finally:
            deadline.end()
            self._asking -= 1

    async def page(self, kind: Kind, wish: Wish, span: Span, page: Page) -> Found:
        """See `Store.page`."""
        return await self._asked(lambda deadline: self._page(kind, wish, span, page, deadline))

    def _page(self, kind: Kind, wish: Wish, span: Span, page: Page, deadline: Deadline) -> Found:
        found: list[bytes] = []
        total, skip = 0, page.offset
        for day in [] if span.empty else self._shelf.days(kind, span, oldest=page.oldest):
            deadline.check()
            opened, wants = self._shelf.open(kind, day), page.size - len(found)
            if wants:
                number, hits = opened.page(wish, span, Page(skip, wants, page.oldest))
            else:
                number, hits = opened.count(wish, span), []
            found += [body for _, body in hits]
            total, skip = total + number, max(skip - number, 0)
        return Found(total, tuple(found))

    async def count(self, kind: Kind, wish: Wish, span: Span) -> tuple[int, int]:
        """See `Store.count`."""
        return await self._asked(lambda deadline: self._count(kind, wish, span, deadline))

    def _count(self, kind: Kind, wish: Wish, span: Span, deadline: Deadline) -> tuple[int, int]:
        total, sources, many = 0, set[str](), 0
        for day in [] if span.empty else self._shelf.days(kind, span):
            deadline.check()
            opened = self._shelf.open(kind, day)
            total += opened.count(wish, span)
            several, more = opened.sources(wish, span)
            sources |= several
            many += more
        return total, len(sources) + many

    async def histogram(self, kind: Kind, wish: Wish, span: Span, interval: Interval) -> list[tuple[int, int]]:
        """See `Store.histogram`."""
        return await self._asked(lambda deadline: self._histogram(kind, wish, span, interval, deadline))

    def _histogram(
        self, kind: Kind, wish: Wish, span: Span, interval: Interval, deadline: Deadline
    ) -> list[tuple[int, int]]:
        counts: dict[int, int] = {}
        for day in [] if span.empty else self._shelf.days(kind, span):
            deadline.check()
            for at, number in self._shelf.open(kind, day).histogram(wish, span, interval).items():
                counts[at] = counts.get(at, 0) + number
        return buckets(counts, interval)

    async def walk(self, kind: Kind, wish: Wish, span: Span, most: int) -> AsyncIterator[Sequence[bytes]]:
        """See `Store.walk`."""
        left = most
        for day in [] if span.empty else self._shelf.days(kind, span):
            before: int | None = None
            while left > 0:
                page = Page(0, min(left, CHUNK))
                found = await self._asked(partial(self._older, kind, day, (wish, span, page, before)))
                if found:
                    yield [body for _, body in found]
                    left, before = left - len(found), found[-1][0]
                if len(found) < page.size:
                    break

    def _older(
        self, kind: Kind, day: str, asked: tuple[Wish, Span, Page, int | None], deadline: Deadline
    ) -> list[tuple[int, bytes]]:
        deadline.check()
        return self._shelf.open(kind, day).page(*asked)[1]

    async def newest(self, kind: Kind, wish: Wish) -> bytes | None:
        """See `Store.newest`."""
        return await self._asked(lambda deadline: self._newest(kind, wish, deadline))

    def _newest(self, kind: Kind, wish: Wish, deadline: Deadline) -> bytes | None:
        for day in self._shelf.days(kind, Span()):
            deadline.check()
            hits = self._shelf.open(kind, day).page(wish, Span(), Page(0, 1))[1]
            if hits:
                return hits[0][1]
        return None

    async def rest(self) -> None:
        """Close writers that have nothing to do, so that an idle suite holds no memory for them."""
        await self._written(self._shelf.rest)

    async def sweep(self, oldest_day: str, written_before: float, most_bytes: int) -> list[tuple[str, str]]:
        """Drop days before this one that nothing was written to since (seconds since 1970), then the oldest until no
        more bytes are kept than this. Which were dropped, by kind and day.
        """
        return await self._written(partial(self._sweep, oldest_day, written_before, most_bytes))

    def _sweep(self, oldest_day: str, written_before: float, most_bytes: int) -> list[tuple[str, str]]:
        sizes = sorted(self._shelf.sizes(), key=lambda one: one[1])
        total, dropped = sum(size for _, _, size, _ in sizes), []
        for name, day, size, written in sizes:
            if (day < oldest_day and written < written_before) or total > most_bytes:
                self._shelf.drop(name, day)
                dropped.append((name, day))
                total -= size
        return dropped

    async def close(self) -> None:
        """Let go of files, and of who still waits."""
        _fail(self._waiting, Busy("index-closed", "logging is being stopped: send the documents again"))
        if self._shelf_made is not None:
            await self._written(self._shelf_made.rest)
        for pool in (self._writing, self._reading):
            await asyncio.to_thread(pool.shutdown, wait=True)


def _fail(batches: Iterable[_Batch], fault: Fault) -> None:
    for batch in batches:
        if not batch.told.done():
            batch.told.set_exception(fault)
