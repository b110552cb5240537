"""The last changes of watched documents, for watchers: in memory for all of them together, and in the file for the next
start.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from libs.shared.errors import Gone
from libs.shared.store.canonical import decoded
from libs.shared.store.protocol import Change, Document, Stamp
from libs.shared.store.sqlite.commit import Kept, Row
from libs.shared.store.sqlite.schema import Layout
from libs.shared.values import Clock

BEAT = 1.0
"""Seconds between marks of time."""
BATCH = 500


@dataclass(slots=True)
class _Entry:
    """One kept change; decoded once, for all watchers, when the first of them wants it."""

    kept: Kept
    change: Change | None = None


@dataclass(slots=True)
class ChangeLog:
    """The newest `keep` changes. `since` is the revision after which all are known."""

    layouts: Mapping[str, Layout]
    clock: Clock
    keep: int
    since: int
    revision: int
    entries: deque[_Entry] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False

    def add(self, changes: Sequence[Kept], revision: int) -> None:
        """Take in what a group committed, and wake the watchers."""
        self.revision = revision
        if not changes:
            return
        self.entries.extend(_Entry(kept) for kept in changes)
        while len(self.entries) > self.keep:
            self.since = self.entries.popleft().kept.revision
        self._wake()

    def close(self) -> None:
        """End every watch."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self, after: int, kinds: Sequence[type[Document]]) -> AsyncGenerator[Sequence[Change], None]:
        """Batches after a revision, for ever: until the store closes."""
        wanted = {kind.collection() for kind in kinds}
        while not self._closed:
            news = self._news
            batch, after = self._after(after, wanted)
            yield batch
            if not batch:
                await self._some_time(news)

    def _after(self, after: int, wanted: set[str]) -> tuple[list[Change], int]:
        """Changes above a revision, whole revisions only, and where to go on."""
        if after < self.since:
            text = f"revision {after} is older than what is kept (from {self.since} on); list again"
            raise Gone("revision-gone", text)
        fresh: list[_Entry] = []
        for entry in reversed(self.entries):
            if entry.kept.revision <= after:
                break
            fresh.append(entry)
        batch: list[Change] = []
        for entry in reversed(fresh):
            if len(batch) >= BATCH and entry.kept.revision != after:
                return batch, after
            after = entry.kept.revision
            if entry.kept.collection in wanted:
                batch.append(self._decoded(entry))
        return batch, max(after, self.revision) if not batch else after

    def _decoded(self, entry: _Entry) -> Change:
        if entry.change is None:
            kept, kind = entry.kept, self.layouts[entry.kept.collection].kind
            before, after = _document(kind, kept.before), _document(kind, kept.after)
            entry.change = Change(kept.revision, kept.collection, kept.key, before, after)
        return entry.change

    async def _some_time(self, news: asyncio.Event) -> None:
        waiting = asyncio.ensure_future(news.wait())
        sleeping = asyncio.ensure_future(self.clock.sleep(BEAT))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sleeping.cancel()
            await asyncio.gather(waiting, sleeping, return_exceptions=True)


def loaded(
    connection: sqlite3.Connection, layouts: Mapping[str, Layout], clock: Clock, keep: int, revision: int
) -> ChangeLog:
    """The log as the file has it. Without any change in the file, everything up to now is unknown."""
    rows = connection.execute(
        "SELECT number, revision, collection, key, before_version, before_revision, before_body, after_version,"
        " after_body FROM changes ORDER BY number DESC LIMIT ?",
        (keep,),
    ).fetchall()[::-1]
    entries = deque(_Entry(_kept(row)) for row in rows if row[2] in layouts)
    since = revision
    if rows:
        # number 1 is the first change of all: before it there was nothing that a watcher could have missed
        since = 0 if rows[0][0] == 1 else rows[0][1]
    return ChangeLog(layouts, clock, keep, since, revision, entries)


def _kept(row: tuple[object, ...]) -> Kept:
    _, revision, collection, key, *rest = row
    before_version, before_revision, before_body, after_version, after_body = rest
    name, at = str(key), int(str(revision))
    before = (
        None
        if before_body is None
        else Row(name, int(str(before_version)), int(str(before_revision)), str(before_body))
    )
    after = None if after_body is None else Row(name, int(str(after_version)), at, str(after_body))
    return Kept(at, str(collection), name, before, after)


def _document(kind: type[Document], row: Row | None) -> Document | None:
    if row is None:
        return None
    return decoded(kind, row.key, row.body).stamped(Stamp(row.revision, row.version))
