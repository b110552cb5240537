"""Watches: what happens to a kind's objects, event by event, from a revision on.

Each watcher pulls from the store's kept changes at its own pace and holds one batch at a time, so a slow reader costs
no memory: it is cut when it takes too long to make room, or when what it hasn't read yet is no longer kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from libs.shared.errors import Gone
from libs.shared.kinds import lines, wire
from libs.shared.kinds.kind import D, JsonObject, Kind
from libs.shared.kinds.place import Parts, Place, place
from libs.shared.kinds.query import Reading
from libs.shared.kinds.reads import chosen, selects, standing
from libs.shared.store.protocol import Change, Store

LONGEST = 3600
"""Seconds after which a watch ends by itself unless `timeoutSeconds` says sooner; clients then resume."""
BOOKMARK_EVERY = 30.0
"""Seconds between bookmarks of a quiet watch."""

Events = AsyncGenerator[Sequence[JsonObject], None]


@dataclass(frozen=True, slots=True)
class Watcher:
    """One watch: of which kind, where, and what is asked."""

    kind: Kind[Any]
    at: Place
    asked: Reading
    parts: Parts

    @property
    def from_now(self) -> bool:
        """Whether it names no revision to go on from."""
        return not self.asked.revision or bool(self.asked.initial)

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything of its kind out."""
        return bool(self.at.namespace or self.at.name or self.asked.labels or self.asked.fields)

    def translate(self, change: Change) -> JsonObject | None:
        """The event that a change is to this watcher, who sees only what his selectors leave: an object that begins
        to match is ADDED, one that stops is DELETED.
        """
        after = self._seen(change.after, change.revision)
        if after is not None:
            stood = change.before is not None and (not self.narrows or self._seen(change.before, 0) is not None)
            return wire.event("MODIFIED" if stood else "ADDED", after)
        before = self._seen(change.before, change.revision)
        return None if before is None else wire.event("DELETED", before)

    def _seen(self, document: Any, revision: int) -> JsonObject | None:
        if document is None:
            return None
        thing = wire.shown(self.kind, document, revision)
        return thing if selects(thing, self.at, self.asked) else None


async def watch(kind: Kind[D], request: web.Request, parts: Parts, asked: Reading) -> web.StreamResponse:
    """Events until the time is up, the client is gone, or what it asks for is no longer kept (ERROR, 410).

    Without a resourceVersion, or with 0, the objects that stand come first as ADDED. JSON lines, or a text frame an
    event for a client that asks for a WebSocket.
    """
    wire.accepts_json(request)
    watcher = Watcher(kind, place(request), asked, parts)
    async with lines.opened(request) as wired, aclosing(_events(watcher)) as batches:
        try:
            async for events in batches:
                if not await lines.send(wired, events, request):
                    break
        except Gone as gone:
            await lines.send(wired, [lines.failed(410, "Expired", gone.text)], request)
        await lines.flush(request, lines.PATIENCE)
        return wired.response


async def _events(watcher: Watcher) -> Events:
    """Batches of events; empty ones mark time."""
    clock, asked = watcher.parts.clock, watcher.asked
    ends = clock.monotonic() + min(asked.timeout or LONGEST, LONGEST)
    revision = asked.revision or 0
    if watcher.from_now:
        find = standing(watcher.kind, watcher.at, asked).find(watcher.kind)
        revision, documents = await watcher.parts.store.snapshot(watcher.kind.document, find)
        if asked.initial is not False:
            # in the order of their writes: whoever breaks off in between can resume at the last one that he got
            documents.sort(key=lambda document: document.stamp.revision)
            yield [wire.event("ADDED", thing) for _, thing in chosen(watcher.kind, documents, watcher.at, asked)]
        if asked.initial and asked.bookmarks:
            yield [wire.bookmark(watcher.kind, revision, initial_end=True)]
    async with aclosing(_following(watcher, revision)) as batches:
        async for events in batches:
            yield events
            if clock.monotonic() >= ends:
                return


async def _following(watcher: Watcher, revision: int) -> Events:
    """Events after a revision, and bookmarks where they are asked for and nothing else is told for a while."""
    store, clock = watcher.parts.store, watcher.parts.clock
    told, told_at = revision, clock.monotonic()
    whole = watcher.from_now
    changes = store.changes(revision, [watcher.kind.document]) if whole else resumed(store, watcher.kind, revision)
    async with aclosing(changes) as batches:
        known = await store.revision()
        async for batch in batches:
            events = [event for event in map(watcher.translate, batch) if event is not None]
            now = clock.monotonic()
            reached = batch[-1].revision if batch else known
            if not events and watcher.asked.bookmarks and reached > told and now - told_at >= BOOKMARK_EVERY:
                events = [wire.bookmark(watcher.kind, reached)]
            if events:
                told, told_at = reached, now
            yield events
            known = await store.revision()


async def resumed(store: Store, kind: Kind[D], revision: int) -> AsyncGenerator[Sequence[Change], None]:
    """Changes after a revision that a client names.

    Several changes may share a revision, and a connection may break between two of them; so what was written together
    in the revision named is told again, as long as it is kept. A change that stands alone in its revision is told once.
    Raises `Gone` when the revision isn't kept any more, or is still to come (a store that was restored).
    """
    now = await store.revision()
    if revision > now:
        raise Gone("revision-unknown", f"too large resource version: {revision}, current: {now}")
    changes = store.changes(revision - 1, [kind.document])
    try:
        batch = await anext(changes)
    except Gone:
        changes = store.changes(revision, [kind.document])
        batch = await anext(changes)
    async with aclosing(changes):
        shared = [change for change in batch if change.revision == revision]
        yield batch if len(shared) > 1 else batch[len(shared) :]
        async for later in changes:
            yield later
