"""Watches: a stream of lines, each a change, until the client goes or its time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import web

from libs.sandbox.api import status, view
from libs.sandbox.api.asked import Form, Listing, flag, number
from libs.sandbox.api.place import Place
from libs.sandbox.api.reads import chosen
from libs.sandbox.changes import Change, Cursor, Stored
from libs.sandbox.objects import Objects
from libs.sandbox.selectable import selected
from libs.shared.errors import Gone, Invalid, Malformed

LONGEST: Final = 3_600
"""Seconds that a watch lives where its client says nothing."""
BEAT: Final = 30.0
"""Seconds between bookmarks."""
_ENDS: Final = {"k8s.io/initial-events-end": "true"}

Fits = Callable[[Mapping[str, Any]], bool]


class Watch:
    """One client's watch."""

    def __init__(self, objects: Objects, place: Place, asked: Listing, form: Form, query: Mapping[str, str]) -> None:
        self._objects = objects
        self._place = place
        self._form = form
        self._bookmarks = flag(query, "allowWatchBookmarks")
        self._initial = flag(query, "sendInitialEvents")
        self._seconds = number(query, "timeoutSeconds") or LONGEST
        self._asked = asked
        self._fits = selected(place.resource, asked.labels, asked.fields, place.name)
        if self._initial and asked.match != "NotOlderThan":
            self._refuse("sendInitialEvents: Forbidden: sendInitialEvents is only allowed with NotOlderThan")

    def _refuse(self, why: str) -> None:
        kind = "ListOptions.meta.k8s.io"
        raise Invalid("watch-options", f'{kind} "" is invalid: {why}', resource=kind)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Stream until the end."""
        start, first = self._start()
        response = web.StreamResponse()
        response.content_type = status.JSON
        response.enable_chunked_encoding()
        cursor = None
        try:
            cursor = self._objects.cursor(self._place.resource.store, start)
            await response.prepare(request)
            await self._stream(response, cursor, first)
        except ConnectionError:
            return response  # the client has gone
        except Gone as fault:
            if not response.prepared:
                await response.prepare(request)
            await response.write(_line(b"ERROR", orjson.dumps(status.status(fault))))
        finally:
            if cursor is not None:
                cursor.close()
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    def _start(self) -> tuple[int, list[Stored] | None]:
        """Where it begins, and what is told before it: everything that is there, where no revision is named."""
        version = self._asked.version
        if version and not (version.isascii() and version.isdigit() and len(version) < 19):  # noqa: PLR2004  # int64
            raise Malformed("version-unreadable", f'resourceVersion: Invalid value: "{version[:40]}"')
        if self._initial or version in ("", "0"):
            return self._objects.revision, list(chosen(self._objects, self._place, self._asked))
        return min(int(version), self._objects.revision), None

    async def _stream(self, response: web.StreamResponse, cursor: Cursor, first: list[Stored] | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._first(response, cursor, first)
                await self._follow(response, cursor)

    async def _first(self, response: web.StreamResponse, cursor: Cursor, first: list[Stored] | None) -> None:
        if first is None:
            return
        lines = b"".join(_line(b"ADDED", view.shown(self._place, stored, self._form)) for stored in first)
        if self._initial and self._bookmarks:
            lines += self._bookmark(cursor.revision, _ENDS)
        await response.write(lines)

    async def _follow(self, response: web.StreamResponse, cursor: Cursor) -> None:
        beats = False
        while True:
            lines = b"".join(self._lines(cursor.take()))
            if beats:
                cursor.revision = self._objects.revision  # everything up to here is taken
                lines += self._bookmark(cursor.revision, {}) if self._bookmarks else b""
            if lines:
                await response.write(lines)
            try:
                await asyncio.wait_for(cursor.wait(), BEAT)
                beats = False
            except TimeoutError:
                beats = True

    def _lines(self, changes: list[Change]) -> Iterator[bytes]:
        namespace = self._place.namespace
        for change in changes:
            if namespace and change.object["metadata"].get("namespace") != namespace:
                continue
            if kind := self._kind(change):
                yield _line(kind, view.shown(self._place, change.stored, self._form))

    def _kind(self, change: Change) -> bytes:
        """What the change is to one who sees only what is chosen."""
        before = change.previous is not None and self._fits(change.previous.body)
        if change.type == "DELETED":
            return b"DELETED" if before else b""
        after = self._fits(change.object)
        if after:
            return b"MODIFIED" if before else b"ADDED"
        return b"DELETED" if before else b""

    def _bookmark(self, revision: int, annotations: Mapping[str, str]) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        whole = self._form is Form.WHOLE
        body = {
            "kind": self._place.resource.kind if whole else "PartialObjectMetadata",
            "apiVersion": self._place.api_version if whole else "meta.k8s.io/v1",
            "metadata": metadata,
        }
        return _line(b"BOOKMARK", orjson.dumps(body))


def _line(kind: bytes, raw: bytes) -> bytes:
    return b'{"type":"' + kind + b'","object":' + raw + b"}\n"
