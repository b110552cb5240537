"""What every unit and reader of one store needs: its layouts, its connections for reading, its ids and revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from libs.shared.errors import Invalid
from libs.shared.store.protocol import Document
from libs.shared.store.sqlite.query import Query
from libs.shared.store.sqlite.reads import Reads
from libs.shared.store.sqlite.schema import Layout
from libs.shared.values import Ids

_UNINDEXED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Books:
    """Shared by all units of one store."""

    layouts: Mapping[str, Layout]
    reads: Reads
    ids: Ids
    source: str
    revision: Callable[[], int]
    """The newest committed revision."""
    unindexed: set[tuple[str, str]] = field(default_factory=set)
    """Collection and condition of queries that no declared index served: for tests to refuse."""

    def layout(self, kind: type[Document]) -> Layout:
        """How this kind lies in the file; raises `Invalid` for one that was not declared at opening."""
        kept = self.layouts.get(kind.collection())
        if kept is None or kept.kind is not kind:
            raise Invalid("kind-undeclared", f"{kind.__name__} is no document of this store; declare it in the Service")
        return kept

    def note_unindexed(self, kept: Layout, query: Query) -> None:
        """Remember a query that reads the whole collection."""
        if not query.indexed and len(self.unindexed) < _UNINDEXED:
            self.unindexed.add((kept.name, query.text))
