"""What happened to objects, kept for a while for those who watch: a bounded ring for each resource.

A watcher is a place in the rings and no queue of its own, so a slow one costs nothing and is told `Gone` at last.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from libs.shared.errors import Gone

KEPT = 2_048
"""Changes of one resource that are remembered."""


class Stored:
    """One version of an object. `body` is shared by all readers: nobody changes it."""

    __slots__ = ("_raw", "body", "revision")

    def __init__(self, body: dict[str, Any], revision: int, raw: bytes = b"") -> None:
        self.body = body
        self.revision = revision
        self._raw = raw

    @property
    def raw(self) -> bytes:
        """The object as JSON, made once."""
        if not self._raw:
            self._raw = orjson.dumps(self.body)
        return self._raw


class Type(StrEnum):
    """What happened, in Kubernetes' words."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. A deleted object is told as it was last, with the revision of its removal."""

    type: Type
    resource: str
    stored: Stored
    previous: Stored | None = None

    @property
    def object(self) -> dict[str, Any]:
        """The object after it; not to be changed."""
        return self.stored.body

    @property
    def revision(self) -> int:
        """When it happened."""
        return self.stored.revision


class _Ring:
    """What happened to objects of one resource."""

    __slots__ = ("bells", "changes", "forgotten")

    def __init__(self, start: int) -> None:
        self.changes: deque[Change] = deque()
        self.forgotten = start
        """Everything after this revision is still known."""
        self.bells: set[asyncio.Event] = set()

    def add(self, change: Change) -> None:
        self.changes.append(change)
        if len(self.changes) > KEPT:
            self.forgotten = self.changes.popleft().revision
        for bell in self.bells:
            bell.set()

    def since(self, revision: int) -> list[Change]:
        if revision < self.forgotten:
            raise Gone("too-old-resource-version", f"too old resource version: {revision} ({self.forgotten})")
        found = []
        for change in reversed(self.changes):
            if change.revision <= revision:
                break
            found.append(change)
        found.reverse()
        return found


class Cursor:
    """A watcher's place: `take` what happened since, `wait` for more, `close`."""

    __slots__ = ("_bell", "_rings", "revision")

    def __init__(self, rings: Iterable[_Ring], revision: int) -> None:
        self._rings = tuple(rings)
        self._bell = asyncio.Event()
        self.revision = revision
        for ring in self._rings:
            ring.bells.add(self._bell)

    def take(self) -> list[Change]:
        """What happened since the last take, in order; raises `Gone` when too much did."""
        self._bell.clear()
        found = [change for ring in self._rings for change in ring.since(self.revision)]
        if len(self._rings) > 1:
            found.sort(key=lambda change: change.revision)
        if found:
            self.revision = found[-1].revision
        return found

    async def wait(self) -> None:
        """Until there is more to take."""
        await self._bell.wait()

    def close(self) -> None:
        """Listen no longer."""
        for ring in self._rings:
            ring.bells.discard(self._bell)


class History:
    """The rings of all resources, which begin at this revision."""

    __slots__ = ("_rings", "_start")

    def __init__(self, start: int) -> None:
        self._start = start
        self._rings: dict[str, _Ring] = {}

    def add(self, change: Change) -> None:
        """Remember and tell it."""
        self._ring(change.resource).add(change)

    def cursor(self, resources: Iterable[str], revision: int) -> Cursor:
        """A place after this revision; raises `Gone` where it is forgotten."""
        rings = [self._ring(resource) for resource in resources]
        for ring in rings:
            ring.since(revision)
        return Cursor(rings, revision)

    async def watch(self, resources: Iterable[str], revision: int) -> AsyncIterator[Change]:
        """Everything after this revision, without end; raises `Gone` as `Cursor.take` does."""
        cursor = self.cursor(resources, revision)
        try:
            while True:
                for change in cursor.take():
                    yield change
                await cursor.wait()
        finally:
            cursor.close()

    def _ring(self, resource: str) -> _Ring:
        return self._rings.setdefault(resource, _Ring(self._start))
