"""The bus itself: publishing, reading and listening, over one writing thread and one reading thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from libs.shared.bus.codec import encoded
from libs.shared.bus.embedded import positions
from libs.shared.bus.embedded.faults import faults
from libs.shared.bus.embedded.groups import Groups, Limits
from libs.shared.bus.embedded.joined import Joined
from libs.shared.bus.embedded.lock import Lock
from libs.shared.bus.embedded.log import Log, connect, prepare
from libs.shared.bus.embedded.reader import Reader
from libs.shared.bus.embedded.tail import Item, Tail
from libs.shared.bus.embedded.writer import Append, Call, Job, Writer
from libs.shared.bus.protocol import NOW, RETENTION, START, Beat, Feature, Group, Message, Page, Unreadable
from libs.shared.bus.types import Types
from libs.shared.errors import Broken, Busy, Fault, Gone, Invalid, TooLarge
from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.values import Clock

_MOST_WAITING = 10_000
"""Envelopes that may wait for the writer."""
_TAIL_BOUND = 4096
"""Messages that a live tail may be behind."""
_PAGE = 512
MIB = 1 << 20


async def open_bus(
    path: Path,
    *,
    clock: Clock,
    failpoints: Failpoints,
    retention_age: timedelta = RETENTION,
    retention_bytes: int = 1024 * MIB,
    max_message: int = MIB,
    ack_wait: float = 30.0,
) -> EmbeddedBus:
    """Open the log at `path`, made with its folder when absent, private to the user.

    Messages older than `retention_age` go once every group has had them; beyond `retention_bytes` of file the oldest
    go whoever has had them, and what a group loses that way is counted (`Group.lost`). `max_message` bounds an
    encoded envelope in bytes; after `ack_wait` seconds without an acknowledgement a group gets a message again.
    Raises `Broken` when another process has it open, when it is damaged, foreign or of a newer version.
    """
    lock = Lock(path)
    with ExitStack() as undo:
        undo.callback(lock.release)
        writing, reading = _opened(path)
        undo.callback(writing.close)
        undo.callback(reading.close)
        bus = EmbeddedBus(
            path,
            lock=lock,
            writing=writing,
            reading=reading,
            clock=clock,
            failpoints=failpoints,
            limits=Limits(retention_age, retention_bytes, max_message, ack_wait),
        )
        undo.pop_all()
    return bus


def _opened(path: Path) -> tuple[Log, Log]:
    """One connection to write and one to read."""
    connection = connect(path)
    with ExitStack() as undo:
        undo.callback(connection.close)
        prepare(connection, path)
        logs = Log(connection, path), Log(connect(path), path)
        undo.pop_all()
    return logs


class EmbeddedBus:
    """One log, open. Everything but the two threads' own work happens on the event loop that opened it."""

    features = Feature.REPLAY_FROM_TIME | Feature.DEDUPLICATES | Feature.TOTAL_ORDER

    def __init__(
        self,
        path: Path,
        *,
        lock: Lock,
        writing: Log,
        reading: Log,
        clock: Clock,
        failpoints: Failpoints,
        limits: Limits,
    ) -> None:
        self._path = path
        self._lock = lock
        self._clock = clock
        self._failpoints = failpoints
        self._limits = limits
        self._tails: set[Tail] = set()
        self._joined: set[Joined] = set()
        self._waiting = 0
        self._closed = False
        with faults(path):
            self._end = writing.end()
            self._groups = Groups(self._write, clock, limits, floor=writing.floor(), kept=writing.cursors())
            last_sent = writing.last_sent()
        self._log = writing
        self._reader = Reader(reading, path)
        self._writer = Writer(
            writing, path, clock=clock, failpoints=failpoints, settle=self._settle, end=self._end, last_sent=last_sent
        )
        self._housekeeping = asyncio.create_task(self._groups.keep_house(), name=f"bus {path.name}")

    async def publish(self, batch: Sequence[Envelope]) -> Sequence[str]:
        """Append in order, as one; returns the positions once they are durable. An id that the log holds already
        is not appended again and gets the position that it has. Raises `TooLarge` and `Malformed` naming the
        envelope by its id (nothing is kept), `Busy` when too many wait or the disk is full, `Broken` when it failed.
        """
        self._check_open()
        bodies = [self._body(envelope) for envelope in batch]
        if not bodies:
            return ()
        if self._waiting + len(bodies) > _MOST_WAITING:
            raise Busy("bus-full", f"{self._waiting} events wait to be written; try again", retry_after=1)
        self._waiting += len(bodies)
        job = Append(batch, bodies, asyncio.get_running_loop().create_future())
        self._writer.put(job)
        await job.future
        self._failpoints.hit("bus.after-commit")
        return [positions.text(position) for position in job.positions]

    def _body(self, envelope: Envelope) -> str:
        body = encoded(envelope)
        if len(body) > self._limits.max_message:
            raise TooLarge(
                "event-too-large",
                f"event {envelope.id} ({envelope.name}) has {len(body)} bytes; "
                f"this bus takes {self._limits.max_message}",
                name=envelope.id,
            )
        return body.decode()

    def _check_open(self) -> None:
        if self._closed:
            raise Broken("bus-closed", "the bus is closed")

    def _settle(self, jobs: Sequence[Job], fault: Fault | None) -> None:
        """The writer has committed these, or could not: hand the messages on, then answer the publishers."""
        appends = [job for job in jobs if isinstance(job, Append)]
        self._waiting -= sum(len(job.batch) for job in appends)
        if fault is None and (news := [new for job in appends for new in _messages(job)]):
            previous, self._end = self._end, news[-1][0]
            self._groups.offer(previous, news)
            for tail in self._tails:
                tail.offer(news)
        for job in jobs:
            job.settle(fault)

    async def _write(self, run: Callable[[Log], Any]) -> Any:
        job = Call(run, asyncio.get_running_loop().create_future())
        self._writer.put(job)
        return await job.future

    async def beat(self, source: str, at: datetime) -> None:
        """Tell every live tail; nothing is stored."""
        self._check_open()
        beat = Beat(source, at)
        for tail in self._tails:
            tail.beat(beat)

    @asynccontextmanager
    async def group(self, name: str, types: Sequence[str], *, start: str = START) -> AsyncIterator[Group]:
        """Join a durable group. Other types than last time count from where the group stands; raises `Conflict` when
        another copy is in it with other types.
        """
        self._check_open()
        wanted = Types(types)
        if not wanted.patterns:
            raise Invalid("event-types", f"group {name} needs at least one event type")
        core = self._groups.known(name) or await self._groups.make(name, wanted, await self._position(start))
        await self._groups.listen(core, wanted)
        joined = Joined(core, self._reader, self._clock, lambda: self._end)
        self._joined.add(joined)
        core.joined += 1
        try:
            yield joined
        finally:
            self._joined.discard(joined)
            core.joined -= 1
            if not core.joined:
                core.leave()

    async def tail(self, types: Sequence[str], *, after: str | datetime = NOW) -> AsyncGenerator[Sequence[Item], None]:
        """Batches after a position or from a moment, then what comes. Raises `Gone`, `Busy` (open again from the last
        position) and `Broken` when the bus closes.
        """
        self._check_open()
        wanted = Types(types)
        position, exact = await self._position(after), _exact(after)
        while self._end - position > _PAGE:
            messages, position = await self._page(position, wanted, self._end, exact=exact)
            exact = True
            if messages:
                yield messages
        live, end = Tail(wanted, _TAIL_BOUND), self._end
        self._tails.add(live)
        try:
            while position < end:
                messages, position = await self._page(position, wanted, end, exact=exact)
                exact = True
                if messages:
                    yield messages
            yield ()
            while True:
                yield await live.drain()
        finally:
            self._tails.discard(live)

    async def read(self, after: str | datetime, types: Sequence[str], limit: int) -> Page:
        """One page, without waiting. Raises `Gone`."""
        self._check_open()
        position, end = await self._position(after), self._end
        found = await self._page(position, Types(types), end, exact=_exact(after), limit=min(max(limit, 1), _PAGE))
        messages, scanned = found
        return Page(messages, positions.text(scanned), scanned >= end)

    async def _page(
        self, after: int, types: Types, end: int, *, exact: bool, limit: int = _PAGE
    ) -> tuple[Sequence[Message | Unreadable], int]:
        """A page; `exact` when `after` was named, so that what retention removes meanwhile must not be passed over."""
        found = await self._reader.page(after, types, limit, end)
        if exact:
            self._check_kept(after)
        return found

    async def _position(self, after: str | datetime) -> int:
        if isinstance(after, datetime):
            return await self._reader.before(positions.micros(after))
        if after == NOW:
            return self._end
        if after == START:
            return self._groups.floor
        position = positions.number(after)
        if position > self._end:
            raise Gone("position-unknown", f"position {after} lies behind this log's end; the log was begun anew")
        self._check_kept(position)
        return position

    def _check_kept(self, position: int) -> None:
        if position < self._groups.floor:
            raise Gone(
                "position-gone",
                f"position {positions.text(position)} is older than what is kept; read from the start or from a moment",
            )

    async def end(self) -> str:
        """The position of the last message, or START."""
        return positions.text(self._end) if self._end else START

    async def ready(self) -> None:
        """Write a mark, durably; raises `Broken` with the reason when that fails."""
        self._check_open()
        try:
            await self._write(lambda log: log.probe())
        except Busy as busy:
            raise Broken(busy.slug, busy.text) from busy

    async def trim(self) -> int:
        """Remove what retention no longer keeps; how many messages. Runs by itself every 30 s."""
        return await self._groups.trim()

    async def close(self) -> None:
        """End every subscription, write what was acknowledged, then let go of threads, file and lock."""
        if self._closed:
            return
        self._closed = True
        self._housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._housekeeping
        for tail in self._tails:
            tail.close()
        for joined in self._joined:
            joined.close()
        with suppress(Fault):  # what is not written is delivered again, and known to the inbox
            await self._groups.save_all()
        await self._writer.close()
        await self._reader.close()
        self._log.close()
        self._lock.release()


def _exact(after: str | datetime) -> bool:
    """Whether it names a position, rather than the start, the present or a moment."""
    return isinstance(after, str) and after not in (START, NOW)


def _messages(job: Append) -> list[tuple[int, Message]]:
    sent = positions.moment(job.sent)
    rows = zip(job.positions, job.batch, job.fresh, strict=True)
    return [(position, Message(positions.text(position), envelope, sent)) for position, envelope, new in rows if new]
