"""What a unit hands to the writer, and what the writer answers: plain values, all that the two threads share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from libs.shared.event import Envelope
from libs.shared.store.protocol import Clause, Document
from libs.shared.store.sqlite.schema import Layout

Ref = tuple[str, str]
"""Collection and key."""

INBOX: Final = "\0inbox"
"""Collection by which the checks know inbox notes; no kind can be called so."""


@dataclass(slots=True)
class Row:
    """A stored document; decoded when first asked for."""

    key: str
    version: int
    revision: int
    body: str
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a find or a count answered, to be asked again at commit if the collection was written meanwhile."""

    collection: str
    where: tuple[Clause, ...]
    revision: int
    text: str
    values: tuple[Any, ...]
    answer: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Write:
    """One document as it is to be: `body` None removes it. `before` is what stood, as the unit read it."""

    layout: Layout
    key: str
    version: int
    body: str | None
    before: Row | None


@dataclass(slots=True)
class Commit:
    """One unit, sealed."""

    id: str
    given: bool
    """Whether the caller chose the id, and wants to know that it is taken."""
    at: datetime
    known: int
    """The store's revision before the unit's first read."""
    reads: dict[Ref, int]
    """Version by what was read, 0 for absent."""
    finds: list[Seen]
    writes: list[Write]
    events: list[tuple[Envelope, int]] = field(default_factory=list)
    """Each with the version that the document it tells of has after the unit."""
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def effective(self) -> bool:
        """Whether it leaves anything behind."""
        return bool(self.writes or self.events or self.notes or self.given)


@dataclass(frozen=True, slots=True)
class Done:
    """It is durable, at this revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class Conflicted:
    """What it read has changed: run the work again."""

    what: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A change of a watched document as it lies in the file."""

    revision: int
    collection: str
    key: str
    before: Row | None
    after: Row | None
