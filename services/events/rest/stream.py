"""One stream of server-sent events: it catches up from the store, then lives on the feed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from services.events.domain.entry import Entry
from services.events.domain.sight import CLOSING, GONE, RIGHTS, SLOW, Cut, Viewer, seen_after
from services.events.domain.wanted import Wanted
from services.events.parts import Parts
from services.events.parts.feed import Frame
from services.events.queries import log as queries
from services.events.shapes import log as shapes

PAGE = 100
SMALL = 32 << 10
"""Bytes: half of what a transport buffers before a writer has to wait."""
GREETING = b"retry: 2000\n\n"
HEADERS: Mapping[str, str] = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class Stream:
    """Holds a position and a viewer, never entries: what it lies behind is in the store or in the shared feed.

    Nothing is sent from beyond `checked`: up to there the viewer is as the log leaves him.
    """

    def __init__(self, request: web.Request, parts: Parts, wanted: Wanted, viewer: Viewer) -> None:
        self._request = request
        self._response = web.StreamResponse(headers=HEADERS)
        self._parts = parts
        self._wanted = wanted
        self._viewer = viewer
        self._position = wanted.after
        self._checked = parts.feed.position

    async def run(self) -> web.StreamResponse:
        """Stream until the reader goes or is cut."""
        self._response.force_close()
        await self._response.prepare(self._request)
        with self._parts.journal.streams.track_inprogress():
            try:
                await self._response.write(GREETING)
                cut = await self._begin() or await self._catch_up() or await self._live()
                self._parts.journal.cut(self._viewer.user, cut)
                await self._say_farewell(cut)
            except ConnectionError:
                pass  # the reader has gone, which is how most streams end
        return self._response

    async def _begin(self) -> Cut | None:
        """Take in what has happened since the gateway answered for the viewer."""
        store = self._parts.store
        self._checked = max(self._checked, (await queries.log_cursor(store)).position)  # the feed may lag behind it
        cut = self._learn_all(await queries.rights_since(store, self._viewer.since, self._checked))
        self._viewer = await queries.with_floors(store, self._viewer)
        return cut

    async def _catch_up(self) -> Cut | None:
        """Send what the feed no longer holds, a page at a time, each by what the viewer may see when it is sent."""
        store, feed = self._parts.store, self._parts.feed
        while not feed.holds(self._position):
            if (cut := await self._check()) is not None:
                return cut
            wanted = replace(self._wanted, after=self._position, limit=PAGE)
            found = await queries.read_entries(store, wanted, self._viewer, until=self._checked)
            if await queries.swept_through(store) > self._position:  # asked after the page, which may lack something
                return GONE
            if (cut := await self._send(b"".join(map(shapes.frame, found.entries)))) is not None:
                return cut
            self._position = found.through
        return None

    async def _check(self) -> Cut | None:
        """Bring the viewer up to the feed's present position."""
        since = self._checked
        self._checked = max(since, self._parts.feed.position)
        cut = await self._learn_since(since)
        if cut is None and self._checked > since:
            self._viewer = await queries.with_floors(self._parts.store, self._viewer)
        return cut

    async def _learn_since(self, since: int) -> Cut | None:
        feed = self._parts.feed
        if not feed.holds(since):
            learned = self._learn_all(await queries.rights_between(self._parts.store, since, self._checked))
            return RIGHTS if await queries.swept_through(self._parts.store) > since else learned
        for frame in feed.after(since):
            if (cut := self._learn(frame)) is not None:
                return cut
        return None

    async def _live(self) -> Cut:
        """Send what comes, for as long as the reader keeps up."""
        feed, beats = self._parts.feed, self._parts.feed.beats
        while not feed.closed:
            if not feed.holds(self._position):
                return SLOW
            wires, cut = self._take(feed.after(self._position)[:PAGE])
            if beats != feed.beats:
                beats = feed.beats
                wires = wires or shapes.HEARTBEAT
            if (cut := await self._send(wires) or cut) is not None:
                return cut
            if self._position >= feed.position:
                await feed.wait()
        return CLOSING

    def _take(self, frames: tuple[Frame, ...]) -> tuple[bytes, Cut | None]:
        """What is to be sent of these, up to the one that ends the stream, if one does."""
        wires = []
        cut = None
        for frame in frames:
            if frame.entry.position > self._checked and (cut := self._learn(frame)) is not None:
                break
            self._position = frame.entry.position
            if self._viewer.sees(frame.entry) and self._wanted.fits(frame.entry):
                wires.append(frame.wire)
        return b"".join(wires), cut

    def _learn(self, frame: Frame) -> Cut | None:
        """Change the viewer by what happened."""
        if frame.bears is None:
            return None
        outcome = seen_after(self._viewer, frame.bears, frame.entry.time)
        if isinstance(outcome, Cut):
            return outcome
        self._viewer = outcome
        return None

    def _learn_all(self, entries: list[Entry]) -> Cut | None:
        if len(entries) >= queries.RECENT:
            return RIGHTS
        for entry in entries:
            if (cut := self._learn(Frame(entry, shapes.frame))) is not None:
                return cut
        return None

    async def _send(self, wires: bytes) -> Cut | None:
        """Hand it to the connection; a reader who takes nothing for too long is cut."""
        if not wires:
            return None
        transport = self._request.transport
        if transport is not None and len(wires) < SMALL and not transport.get_write_buffer_size():
            await self._response.write(wires)  # never waits: it can't fill what is empty
            return None
        try:
            async with asyncio.timeout(self._parts.settings.patience):
                await self._response.write(wires)
        except TimeoutError:
            return SLOW
        return None

    async def _say_farewell(self, cut: Cut) -> None:
        """Tell the reader why. He has a while to take it, then the connection is dropped with what is left in it."""
        try:
            async with asyncio.timeout(self._parts.settings.patience):
                await self._response.write(shapes.farewell(cut))
                await self._response.write_eof()
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
