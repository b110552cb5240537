"""One day of one kind: an index of its own, written by one thread at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from libs.shared.errors import Invalid
from services.logging.clients.index.engine import (
    TIE_BITS,
    TIES,
    Translation,
    exact,
    opened,
    tantivy,
    translated,
    worded,
)
from services.logging.domain.entry import Entry, Kept, Kind
from services.logging.domain.interval import Interval
from services.logging.domain.wanted import Page, Span, Wish
from services.logging.domain.words import words

HEAP = 15_000_000
"""Bytes that a writer may gather before it writes a segment: the least that the library takes."""
MOST_SOURCES = 65_000


class Day:
    """Blocking: call it in a thread. A writer is opened by the first write and closed by `rest`."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.kind, self.folder = kind, folder
        self._index = opened(kind, str(folder))
        self._to = Translation(self._index.schema)
        self._writer: Any = None

    @property
    def writing(self) -> bool:
        """Whether a writer is open."""
        return self._writer is not None

    def write(self, entries: Sequence[Entry], order: Iterable[int]) -> list[Kept]:
        """Keep these, and return when they are on disk; what is not committed is forgotten when it fails."""
        with translated(f"{self.folder} can't be written"):
            if self._writer is None:
                self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
            standing = self._standing([entry.id for entry in entries if entry.id])
            told = []
            try:
                for entry, number in zip(entries, order, strict=False):
                    told.append(self._put(entry, number, standing))
                self._writer.commit()
            except (ValueError, OSError, RuntimeError):
                self._writer = None
                raise
            self._index.reload()
        return told

    def _put(self, entry: Entry, number: int, standing: set[str]) -> Kept:
        known = entry.id in standing
        if known and entry.create:
            return Kept("conflict")
        if known:
            self._writer.delete_documents_by_term("id", entry.id)
        self._writer.add_document(self._document(entry, number))
        if entry.id:
            standing.add(entry.id)
        return Kept("updated" if known else "created")

    def _standing(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids there are."""
        searcher = self._index.searcher()
        return {one for one in ids if searcher.doc_freq("id", one)} if searcher.num_docs else set()

    def _document(self, entry: Entry, number: int) -> Any:
        document = tantivy().Document()
        document.add_text("id", entry.id)
        for name in self.kind.exact:
            text = entry.source if name == "source" else entry.exact.get(name, "")
            document.add_text(exact(name), text)
        for name in self.kind.worded:
            document.add_text(worded(name), " ".join(words(entry.worded.get(name, ""))))
        tie = number % TIES
        document.add_integer("asc", entry.ms << TIE_BITS | tie)
        document.add_integer("desc", entry.ms << TIE_BITS | (TIES - 1 - tie))
        document.add_integer("ms", entry.ms)
        document.add_bytes("body", entry.body)
        return document

    def rest(self) -> None:
        """Close the writer, its merges done."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with translated(f"{self.folder} can't be closed"):
                writer.wait_merging_threads()

    def page(
        self, wish: Wish, span: Span, page: Page, before: int | None = None
    ) -> tuple[int, list[tuple[int, bytes]]]:
        """How many there are, and of those of the window order and document. With `before`, only what comes before this
        order where the newest are first.
        """
        library = tantivy()
        field, order = ("asc", library.Order.Asc) if page.oldest else ("desc", library.Order.Desc)
        with translated(f"{self.folder} can't be searched"):
            searcher, query = self._index.searcher(), self._query(wish, span)
            if before is not None:
                query = self._to.all_of([query, self._to.between(None, before - 1, "desc")])
            found = searcher.search(
                query, limit=max(page.size, 1), count=True, order_by_field=field, offset=page.offset, order=order
            )
            hits = found.hits[: page.size]
            return found.count or 0, [(at, bytes(searcher.doc(place).get_first("body"))) for at, place in hits]

    def count(self, wish: Wish, span: Span) -> int:
        """How many there are."""
        with translated(f"{self.folder} can't be searched"):
            found = self._index.searcher().search(self._query(wish, span), limit=1, count=True, order_by_field="asc")
            return found.count or 0

    def sources(self, wish: Wish, span: Span) -> tuple[set[str], int]:
        """The sources of them; where they are too many to name, about how many."""
        field, query = exact("source"), self._query(wish, span)
        asked = {"sources": {"terms": {"field": field, "size": MOST_SOURCES, "segment_size": MOST_SOURCES}}}
        with translated(f"{self.folder} can't be searched"):
            searcher = self._index.searcher()
            about = round(searcher.cardinality(query, field))
            if about > MOST_SOURCES // 2:
                return set(), about
            found = searcher.aggregate(query, asked)
        return {bucket["key"] for bucket in found["sources"]["buckets"] if bucket["key"]}, 0

    def histogram(self, wish: Wish, span: Span, interval: Interval) -> dict[int, int]:
        """Begin of each bucket that holds something, and how many."""
        asked = {
            "buckets": {
                "histogram": {
                    "field": "ms",
                    "interval": float(interval.width),
                    "offset": float(interval.offset % interval.width),
                    "min_doc_count": 1,
                }
            }
        }
        query = self._query(wish, span)
        try:
            found = self._index.searcher().aggregate(query, asked)
        except ValueError:
            raise Invalid("interval-buckets", "the histogram would have too many buckets: widen interval") from None
        return {int(bucket["key"]): int(bucket["doc_count"]) for bucket in found["buckets"]["buckets"]}

    def _query(self, wish: Wish, span: Span) -> Any:
        low = None if span.low is None else span.low << TIE_BITS
        high = None if span.high is None else (span.high << TIE_BITS) | (TIES - 1)
        return self._to.all_of([self._to.query(wish), self._to.between(low, high)])
