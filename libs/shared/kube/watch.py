"""A watch that survives: lists, follows from where the list was, and lists again when the server has forgotten.

The traps that it steps around are known from client-go's reflector and kopf: a list that expires between two pages, 410
as a status and as an event, a server that ends each watch at once, one that falls silent, a replayed event, an object
that was made anew under its name while nobody looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

import aiohttp
import orjson

from libs.shared.errors import Broken, Busy, Fault, Gone
from libs.shared.kube.errors import fault_of
from libs.shared.kube.wire import lines
from libs.shared.values import Clock

IDLE: Final = 120.0
"""Seconds of silence after which a watch is opened anew: a server sends a bookmark a minute."""
LASTS: Final = (300, 600)
"""Seconds that the server is asked to keep a watch, picked between the two so that watches don't end together."""
WELL: Final = 5.0
"""Seconds of a watch after which its end is no failure."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
LONGEST_LINE: Final = 32 << 20
PAGE: Final = 500
EXPIRED: Final = 410
KEPT: Final = ("name", "namespace", "uid", "resourceVersion", "labels")
"""What is remembered of an object, to tell of it when it has vanished unseen."""

Query = Mapping[str, Any]
Key = tuple[str, str]


class What(StrEnum):
    """What happened to an object. SYNCED is told once each time a list is through, with no object."""

    SYNCED = "SYNCED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """One step. The object of a DELETED that went unseen holds its kind, name, uid and labels alone."""

    type: What
    object: dict[str, Any] = field(default_factory=dict)


class Served(Protocol):
    """What a watch needs of a client."""

    async def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """One answer."""
        ...

    def streamed(self, path: str, query: Query, /) -> Any:
        """An answer that lasts, as an async context manager."""
        ...


class Watch:
    """One watch. What was told is remembered by name and version, so nothing is told twice and nothing is missed."""

    def __init__(
        self,
        kube: Served,
        path: str,
        query: Query,
        *,
        clock: Clock,
        chance: Callable[[], float],
        idle: float = IDLE,
    ) -> None:
        """`chance` gives a number from 0 to 1."""
        self._kube, self._path, self._query = kube, path, query
        self._clock, self._chance, self._idle = clock, chance, idle
        self._known: dict[Key, dict[str, Any]] = {}
        self._revision: str | None = None
        """Where to go on; None: from a list."""
        self._page = PAGE
        self._heard: float | None = None
        """When the server last said something in the present watch."""
        self._useful = False
        """Whether the present watch has told something or lasted."""

    async def changes(self) -> AsyncGenerator[Change, None]:
        """For ever. Raises what neither waiting nor listing again would mend: `Denied`, `Missing`, `Invalid`."""
        pause = 0.0
        while True:
            self._useful, wished = False, 0.0
            try:
                async with aclosing(self._turn()) as turn:
                    async for change in turn:
                        yield change
            except Gone:
                self._revision = None
            except Broken:  # a line that can't be read: what it was about is in a list
                self._revision = None
            except Busy as busy:
                wished = busy.retry_after
            pause = 0.0 if self._useful else min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            if pause:
                await self._clock.sleep(max(pause * (0.5 + self._chance() / 2), min(wished, LONGEST_PAUSE)))

    async def _turn(self) -> AsyncGenerator[Change, None]:
        """One list, where that is needed, and one watch."""
        if self._revision is None:
            async with aclosing(self._listed()) as listed:
                async for change in listed:
                    yield change
            yield Change(What.SYNCED)
        async with aclosing(self._followed()) as followed:
            async for change in followed:
                yield change

    async def _listed(self) -> AsyncGenerator[Change, None]:
        """What has changed since it was last looked at; then what has vanished."""
        present: set[Key] = set()
        token, revision = "", ""
        while True:
            page = await self._listed_page(token)
            revision = page["metadata"].get("resourceVersion") or revision
            for item in page.get("items") or ():
                typed(item, page)
                present.add(_key(item))
                for change in self._noted(item):
                    yield change
            token = page["metadata"].get("continue") or ""
            if not token:
                break
        for key in [key for key in self._known if key not in present]:
            yield Change(What.DELETED, self._known.pop(key))
        self._revision, self._page = revision, PAGE

    async def _listed_page(self, token: str) -> dict[str, Any]:
        """Raises `Gone` when the pages' version is not kept any more: then all is asked for at once."""
        asked = {**self._query, "limit": self._page or None, "continue": token or None}
        try:
            page = await self._kube.get(self._path, **asked)
        except Gone:
            self._page = 0
            raise
        if not isinstance(page.get("metadata"), dict):
            raise Broken("cluster-list", f"{self._path} is answered by what is no list")
        return page

    def _noted(self, item: dict[str, Any]) -> list[Change]:
        """How an object that stands differs from what was told of it."""
        key, kept = _key(item), _kept(item)
        before = self._known.get(key)
        self._known[key] = kept
        if before is None:
            return [Change(What.ADDED, item)]
        then, now = before["metadata"], kept["metadata"]
        if then.get("uid") != now.get("uid"):
            return [Change(What.DELETED, before), Change(What.ADDED, item)]
        if then.get("resourceVersion") == now.get("resourceVersion"):
            return []
        return [Change(What.MODIFIED, item)]

    async def _followed(self) -> AsyncGenerator[Change, None]:
        """What the server tells from the known version on, until it ends the watch."""
        shortest, longest = LASTS
        query = {
            **self._query,
            "watch": True,
            "allowWatchBookmarks": True,
            "resourceVersion": self._revision,
            "timeoutSeconds": round(shortest + (longest - shortest) * self._chance()),
        }
        async with self._kube.streamed(self._path, query) as answer, self._guarded(answer):
            async for line in lines(answer, LONGEST_LINE):
                self._heard = self._clock.monotonic()
                for change in self._read(line):
                    yield change

    def _read(self, line: bytes) -> list[Change]:
        """One event. Raises what an ERROR says, and `Broken` for what is no event."""
        if not line.strip():
            return []
        try:
            event = orjson.loads(line)
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                raise _told(item)
            key = _key(item)
            revision = item["metadata"]["resourceVersion"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Broken("cluster-watch", f"{self._path} told what is no event") from error
        changes = self._applied(kind, key, item)
        self._revision, self._useful = revision, True
        return changes

    def _applied(self, kind: str, key: Key, item: dict[str, Any]) -> list[Change]:
        if kind == "BOOKMARK":
            return []
        if kind == What.DELETED:
            return [Change(What.DELETED, item)] if self._known.pop(key, None) is not None else []
        return self._noted(item)

    @asynccontextmanager
    async def _guarded(self, answer: aiohttp.ClientResponse) -> AsyncIterator[None]:
        """End the answer when the server falls silent; whether the watch lasted is noted."""
        began = self._heard = self._clock.monotonic()
        guard = asyncio.create_task(self._silence(answer))
        try:
            yield
        finally:
            self._useful = self._useful or self._clock.monotonic() - began >= WELL
            guard.cancel()
            await asyncio.wait((guard,))

    async def _silence(self, answer: aiohttp.ClientResponse) -> None:
        while True:
            quiet = self._clock.monotonic() - (self._heard or 0.0)
            if quiet >= self._idle:
                answer.close()
                return
            await self._clock.sleep(self._idle - quiet)


def _told(status: Any) -> Fault:
    code = status.get("code")
    return fault_of(code if isinstance(code, int) else EXPIRED, orjson.dumps(status))


def _key(item: dict[str, Any]) -> Key:
    about = item["metadata"]
    return about.get("namespace", ""), about.get("name", "")


def _kept(item: dict[str, Any]) -> dict[str, Any]:
    about = item["metadata"]
    kept = {name: about[name] for name in KEPT if name in about}
    return {"apiVersion": item.get("apiVersion", ""), "kind": item.get("kind", ""), "metadata": kept}


def typed(item: dict[str, Any], page: dict[str, Any]) -> None:
    """Items of a list don't say what they are; the list does."""
    item.setdefault("apiVersion", page.get("apiVersion", ""))
    item.setdefault("kind", str(page.get("kind", "")).removesuffix("List"))
