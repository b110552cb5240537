"""A unit: it buffers what the work puts, and remembers what the work read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import orjson

from libs.shared.errors import Exists, Missing, Stale, TooLarge
from libs.shared.event import Cause, Envelope, Event
from libs.shared.store.canonical import encoded
from libs.shared.store.matching import matches, order
from libs.shared.store.protocol import ALL, LARGEST_EVENT, Collection, Document, Find, Stamp
from libs.shared.store.sqlite.books import Books
from libs.shared.store.sqlite.commit import INBOX, Commit, Ref, Row, Seen, Write
from libs.shared.store.sqlite.query import Query, counting, selecting
from libs.shared.store.sqlite.reads import document
from libs.shared.store.sqlite.schema import Layout

D = TypeVar("D", bound=Document)


@dataclass(slots=True)
class _Pending:
    """One buffered write: the document as put last, or None once dropped."""

    layout: Layout
    key: str
    before: Row | None
    stamp: Stamp
    document: Document | None


@dataclass(slots=True)
class SqliteUnit:
    """One run of a piece of work. Nothing of it is seen by anyone before it is sealed and committed."""

    id: str
    at: datetime
    cause: Cause
    books: Books
    known: int
    given: bool = False
    reads: dict[Ref, int] = field(default_factory=dict)
    rows: dict[Ref, Row | None] = field(default_factory=dict)
    finds: list[Seen] = field(default_factory=list)
    pending: dict[Ref, _Pending] = field(default_factory=dict)
    events: list[tuple[Envelope, Document | None]] = field(default_factory=list)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)
    stamped: list[tuple[Document, Stamp]] = field(default_factory=list)

    def of(self, kind: type[D]) -> Collection[D]:
        """The collection of this kind of document."""
        return UnitCollection(self, kind, self.books.layout(kind))

    def emit(self, event: Event, *, subject: str, workspace: str = "", about: Document | None = None) -> None:
        """Write an event to the outbox; its sequence is counted at commit. Raises `TooLarge`."""
        data = event.model_dump_json()
        if len(data.encode()) > LARGEST_EVENT:
            text = f"what would be told of {subject} is larger than {LARGEST_EVENT} bytes; nothing was changed"
            raise TooLarge("event-too-large", text)
        envelope = Envelope(
            id=f"{self.id}-{len(self.events) + 1}",
            type=event.full_type(),
            source=self.books.source,
            subject=subject,
            time=self.at,
            data=data,
            workspace=workspace,
            actor=self.cause.actor,
            correlationid=self.cause.correlation or self.id,
            causationid=self.cause.causation,
            traceparent=self.cause.traceparent,
        )
        self.events.append((envelope, about))

    async def seen(self, consumer: str, event_id: str) -> bool:
        """Whether this consumer's inbox holds the event."""
        if (consumer, event_id) in self.notes:
            return True
        text = "SELECT 1 FROM inbox WHERE consumer = ? AND event = ?"
        found = bool(self.books.reads.at_once(text, (consumer, event_id)))
        self.reads.setdefault((INBOX, f"{consumer}\0{event_id}"), int(found))
        return found

    def note(self, consumer: str, event_id: str) -> None:
        """Note in the inbox that the consumer has handled the event; noted meanwhile is a conflict."""
        if self.reads.setdefault((INBOX, f"{consumer}\0{event_id}"), 0) == 0:
            self.notes[consumer, event_id] = None

    def look(self, layout: Layout, key: str) -> Row | None:
        """The stored row, and remember its version."""
        ref = (layout.name, key)
        if ref not in self.rows:
            self.rows[ref] = self.books.reads.row(layout, key)
        row = self.rows[ref]
        self.reads.setdefault(ref, row.version if row else 0)
        return row

    def seal(self) -> Commit:
        """What the writer is to check and write."""
        writes = []
        for one in self.pending.values():
            if one.document is None and one.before is None:
                continue  # made and dropped within the unit
            body = None if one.document is None else encoded(one.document)
            writes.append(Write(one.layout, one.key, one.stamp.version, body, one.before))
        events = [(envelope, self._version(about)) for envelope, about in self.events]
        return Commit(
            self.id, self.given, self.at, self.known, self.reads, self.finds, writes, events, list(self.notes)
        )

    def _version(self, about: Document | None) -> int:
        """The version that a document has after this unit: for a removal one above its last."""
        if about is None:
            return 0
        pending = self.pending.get((about.collection(), about.key))
        return pending.stamp.version if pending is not None else about.stamp.version

    def settle(self, revision: int) -> None:
        """Fill the stamps of what was put."""
        for one in self.pending.values():
            one.stamp.revision = revision

    def undo(self) -> None:
        """Give what was put the stamps back that it came with: the work is run again, or has failed."""
        for put, stamp in reversed(self.stamped):
            put.stamped(stamp)


@dataclass(frozen=True, slots=True)
class UnitCollection(Generic[D]):
    """One collection inside a unit: the stored documents with the unit's own writes laid over them."""

    unit: SqliteUnit
    kind: type[D]
    layout: Layout

    async def get(self, key: str) -> D:
        """The document; raises `Missing`."""
        found = await self.look(key)
        if found is None:
            raise missing(self.layout, key)
        return found

    async def look(self, key: str) -> D | None:
        """The document, or None."""
        pending = self.unit.pending.get((self.layout.name, key))
        if pending is not None:
            return cast("D | None", pending.document)
        row = self.unit.look(self.layout, key)
        return None if row is None else document(self.kind, row)

    async def find(self, find: Find = ALL) -> list[D]:
        """The documents that match, in order."""
        own = [one for ref, one in self.unit.pending.items() if ref[0] == self.layout.name]
        if not own:
            return [document(self.kind, row) for row in await self._rows(find)]
        wide = Find(find.where, find.sort, None if find.limit is None else find.limit + find.offset + len(own))
        own_keys = {one.key for one in own}
        merged = [document(self.kind, row) for row in await self._rows(wide) if row.key not in own_keys]
        merged += [cast("D", one.document) for one in own if one.document is not None and _matching(one.document, find)]
        _sort(merged, find.sort)
        return merged[find.offset : None if find.limit is None else find.offset + find.limit]

    async def count(self, find: Find = ALL) -> int:
        """How many match, whatever limit and offset."""
        own = [one for ref, one in self.unit.pending.items() if ref[0] == self.layout.name]
        revision = self.unit.books.revision()
        query = counting(self.layout, find)
        text = f"SELECT count(*) FROM {self.layout.table}{query.text}"
        answer = await self._asked(text, query, revision, find)
        gone = sum(1 for one in own if one.before and _matching(document(self.kind, one.before), find))
        come = sum(1 for one in own if one.document is not None and _matching(one.document, find))
        return int(answer[0][0]) - gone + come

    async def put(self, document: D) -> D:
        """Keep it, new or changed; raises `Stale` when it was read elsewhere and has changed since."""
        key = document.key
        pending = self.unit.pending.get((self.layout.name, key))
        if pending is None:
            row = self.unit.look(self.layout, key)
            standing = row.version if row else 0
            if document.stamp.revision and document.stamp.version != standing:
                text = f"{self.layout.name}/{key} was changed since it was read; read it again"
                raise Stale("stale", text, resource=self.layout.name, name=key)
            version = standing + 1 if row else self.unit.books.revision() + 1
            pending = _Pending(self.layout, key, row, Stamp(0, version), document)
            self.unit.pending[self.layout.name, key] = pending
        pending.document = document
        self.unit.stamped.append((document, document.stamp))
        return document.stamped(pending.stamp)

    async def add(self, document: D) -> D:
        """Keep a new one; raises `Exists` if its key stands already."""
        if await self.look(document.key) is not None:
            text = f"{self.layout.name}/{document.key} exists already"
            raise Exists("exists", text, resource=self.layout.name, name=document.key)
        return await self.put(document)

    async def drop(self, key: str) -> None:
        """Remove it; raises `Missing`."""
        if await self.look(key) is None:
            raise missing(self.layout, key)
        ref = (self.layout.name, key)
        pending = self.unit.pending.get(ref)
        if pending is None:
            row = self.unit.look(self.layout, key)
            pending = _Pending(self.layout, key, row, Stamp(0, row.version + 1 if row else 0), None)
            self.unit.pending[ref] = pending
        pending.document = None

    async def _rows(self, find: Find) -> list[Row]:
        revision = self.unit.books.revision()
        query = selecting(self.layout, find)
        text = f"SELECT key, version, revision, body FROM {self.layout.table}{query.text}"
        rows = [Row(*found) for found in await self._asked(text, query, revision, find)]
        for row in rows:
            self.unit.rows.setdefault((self.layout.name, row.key), row)
        return [self.unit.rows[self.layout.name, row.key] or row for row in rows]

    async def _asked(self, text: str, query: Query, revision: int, find: Find) -> list[tuple[Any, ...]]:
        self.unit.books.note_unindexed(self.layout, query)
        answer = await self.unit.books.reads.query(text, query.values)
        self.unit.finds.append(Seen(self.layout.name, find.where, revision, text, tuple(query.values), answer))
        return answer


def missing(layout: Layout, key: str) -> Missing:
    """That there is no document of this key."""
    return Missing("missing", f"{layout.name}/{key} does not exist", resource=layout.name, name=key)


def _matching(one: Document, find: Find) -> bool:
    body = orjson.loads(encoded(one))
    return all(matches(body, clause) for clause in find.where)


def _sort(documents: list[D], sort: str) -> None:
    documents.sort(key=lambda one: one.key)
    if sort:
        name, down = sort.lstrip("-"), sort.startswith("-")
        documents.sort(key=lambda one: order(orjson.loads(encoded(one)), name), reverse=down)
