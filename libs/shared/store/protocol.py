"""What a store is: documents, outbox and inbox that commit together or not at all.

A `Document` is a frozen pydantic model with a key. A `Unit` buffers writes and remembers what it read: the versions of
documents, that a key was absent, what a find or count answered. All are checked at commit, and a conflict runs the work
again, so units are serializable. Units of one process commit in groups: one
transaction, one fsync, one step of the store's revision for many units.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from libs.shared.event import Cause, Envelope, Event

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D", bound="Document")

LARGEST_EVENT: Final = 256 * 1024
"""Bytes of an event's JSON data; every bus takes that with an envelope around it (1 MiB and more), so that what was
committed can be told.
"""


@dataclass(slots=True)
class Stamp:
    """Where a document stands in its store. Filled when it is read, and at commit for what a unit put.

    `revision` is the store's revision at its last write (`resourceVersion` at the rim). `version` grows with each of
    its writes and never falls, even over removal and making anew: a new document begins at the revision that its unit
    knows, plus one. Both are 0 for a document that no store has seen; after `put`, `version` is the one to come and
    `revision` is filled at commit.
    """

    revision: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Index:
    """A declared index over dotted field paths; a list field is indexed by member (labels are `k=v` lists).

    `unique` skips documents where a field is missing, None or empty text.
    """

    fields: tuple[str, ...]
    unique: bool = False


class Document(BaseModel):
    """Base of what a store keeps. `KEY` names the field that is its key within its collection.

    Stored as canonical JSON, times in UTC with microseconds at fixed width. Unknown fields are refused: a store's
    own migrations add and remove fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    COLLECTION: ClassVar[str] = ""
    KEY: ClassVar[str] = "name"
    INDEXES: ClassVar[tuple[Index, ...]] = ()
    WATCHED: ClassVar[bool] = False
    """Whether its changes are kept for watchers (kinds)."""

    _stamp: Stamp = PrivateAttr(default_factory=Stamp)

    @classmethod
    def collection(cls) -> str:
        """The collection's name; the class's own name unless declared."""
        return cls.COLLECTION or cls.__name__

    @property
    def key(self) -> str:
        """Its key within its collection."""
        return str(getattr(self, self.KEY))

    @property
    def stamp(self) -> Stamp:
        """Where it stands in its store."""
        stamp: Stamp = self._private["_stamp"]
        return stamp

    def stamped(self, stamp: Stamp) -> Self:
        """Itself, with this stamp; for stores."""
        self._private["_stamp"] = stamp
        return self

    @property
    def _private(self) -> dict[str, Any]:
        """Private attributes without pydantic's way around them, which takes ten times as long."""
        return self.__pydantic_private__ or {}


@dataclass(frozen=True, slots=True)
class Equal:
    """A field equals a value, or a list field holds it."""

    field: str
    value: str | int | bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field equals one of these values, or a list field holds one."""

    field: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A text field starts with this."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """A field lies in `low <= field < high`; None leaves a side open. Times compare as stored text."""

    field: str
    low: str | int | datetime | None = None
    high: str | int | datetime | None = None


Clause = Equal | OneOf | Prefix | Range


@dataclass(frozen=True, slots=True)
class Find:
    """Which documents, in which order: all clauses hold. `sort` is a field, `-field` for descending, then the key."""

    where: tuple[Clause, ...] = ()
    sort: str = ""
    limit: int | None = None
    offset: int = 0


ALL = Find()


class Reader(Protocol[D]):
    """Reading one collection."""

    async def get(self, key: str) -> D:
        """The document; raises `Missing` with the collection as resource."""
        ...

    async def look(self, key: str) -> D | None:
        """The document, or None."""
        ...

    async def find(self, find: Find = ALL) -> list[D]:
        """The documents that match, in order."""
        ...

    async def count(self, find: Find = ALL) -> int:
        """How many match, whatever limit and offset."""
        ...


class Collection(Reader[D], Protocol[D]):
    """One collection inside a unit: reads see the unit's own writes."""

    async def put(self, document: D) -> D:
        """Keep it, new or changed. Its version as read (or as it stands now) is checked at commit."""
        ...

    async def add(self, document: D) -> D:
        """Keep a new one; raises `Exists` if its key stands already (now or at commit)."""
        ...

    async def drop(self, key: str) -> None:
        """Remove it; raises `Missing`."""
        ...


class Unit(Protocol):
    """One all-or-nothing piece of work. It has no effect but its documents, events and inbox notes."""

    @property
    def id(self) -> str:
        """Written in the unit's own transaction, so an unknown outcome can be looked up."""
        ...

    @property
    def at(self) -> datetime:
        """When this run of the work began, by the store's clock."""
        ...

    @property
    def cause(self) -> Cause:
        """Why it is run: in a reaction, `cause.causation` is the id of the event reacted to."""
        ...

    def of(self, kind: type[D]) -> Collection[D]:
        """The collection of this kind of document."""
        ...

    def emit(self, event: Event, *, subject: str, workspace: str = "", about: Document | None = None) -> None:
        """Write an event to the outbox; it is told after commit. Actor and causes come from the running cause.
        `about` is the document that it tells of, as `put` returned it (or as it was read, when dropped): the version
        that it has after this unit travels along. For a removal that is one above its last: strictly newer wins.
        Raises `TooLarge` when its data is larger than LARGEST_EVENT: a bus would refuse it once it is committed.
        """
        ...

    async def seen(self, consumer: str, event_id: str) -> bool:
        """Whether this consumer's inbox holds the event."""
        ...

    def note(self, consumer: str, event_id: str) -> None:
        """Note in the inbox that the consumer has handled the event."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a watched document. `before` or `after` is None where it did not exist."""

    revision: int
    collection: str
    key: str
    before: Document | None
    after: Document | None


@dataclass(frozen=True, slots=True)
class Migration:
    """A step of an application's documents from one schema version to the next, run once, at opening, in order of `to`.

    `change` gets a document's JSON and gives its new form, or None to remove it. A store of a version above the
    highest `to` that the program knows is refused.
    """

    to: int
    collection: str
    change: Callable[[dict[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event that waits to be told: `position` orders the outbox."""

    position: int
    envelope: Envelope


class Outbox(Protocol):
    """What the relay reads. Rows stay after they were told, and are swept when `keep` has passed."""

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows that are not told yet, in the order of their commits."""
        ...

    async def told(self, rows: Sequence[OutboxRow], positions: Sequence[str]) -> None:
        """Note that the bus has acknowledged these, at these positions of its own."""
        ...

    async def sweep(self, older_than: datetime) -> int:
        """Remove rows told before this moment; how many."""
        ...

    async def wake(self, seconds: float) -> None:
        """Return when a commit wrote rows, or after so many seconds."""
        ...

    async def depth(self) -> tuple[int, datetime | None]:
        """How many rows wait, and since when the oldest."""
        ...


class Store(Protocol):
    """One service's store."""

    @property
    def outbox(self) -> Outbox:
        """Events that wait to be told."""
        ...

    async def transact(
        self,
        work: Callable[Concatenate[Unit, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run `work(unit, *args, **kwargs)` and commit. `work` must be re-runnable: a conflict runs it again, up to
        a bound, then raises `Stale`. What it returns is returned once the commit is durable, and the stamps of the
        documents that it put are filled. The events emitted are added to the running cause's `told`.
        """
        ...

    async def transact_once(
        self,
        unit_id: str,
        work: Callable[Concatenate[Unit, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """`transact` under an id that the caller gives (an `Idempotency-Key`, an unknown outcome that is tried again):
        raises `Exists` with the slug `unit-committed` when a unit of this id has committed, before, meanwhile or at the
        same time, and then nothing is changed. What the first one answered is the work's own to keep, in its unit.
        """
        ...

    def of(self, kind: type[D]) -> Reader[D]:
        """Reading outside of any unit, as of now."""
        ...

    async def revision(self) -> int:
        """The store's present revision."""
        ...

    async def snapshot(self, kind: type[D], find: Find = ALL) -> tuple[int, list[D]]:
        """Documents and the revision that they were read at, consistent: where a watch starts."""
        ...

    def changes(self, after: int, kinds: Sequence[type[Document]]) -> AsyncGenerator[Sequence[Change], None]:
        """Changes of watched documents with a revision above `after`, in order, for ever; raises `Gone` when that
        is older than what is kept. The first batch comes at once, empty if there is nothing yet. Empty batches mark
        time (about once a second), so that a caller can send bookmarks and see that it is alive. Close it when done.
        """
        ...

    async def sweep_inbox(self, older_than: datetime) -> int:
        """Forget inbox notes, and ids of units, older than this; how many notes."""
        ...

    async def outcome(self, unit_id: str) -> bool:
        """Whether a unit of this id has committed."""
        ...

    async def backup(self, target: str) -> None:
        """An online, consistent copy."""
        ...

    async def ready(self) -> None:
        """Return when it can commit; raises `Busy` or `Broken` with the reason when it can't."""
        ...

    async def close(self) -> None:
        """Finish what was begun, then let go of every file and task."""
        ...


Work = Callable[..., Awaitable[Any]]
