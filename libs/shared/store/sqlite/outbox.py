"""The outbox as the relay reads it: what has just been committed comes from memory, an older backlog from the file.

That a row was told is remembered at once and written with the next transaction: after a crash it may be told again,
which the bus and every inbox expect, and no telling costs an fsync of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from libs.shared.event import Envelope
from libs.shared.store.canonical import moment
from libs.shared.store.protocol import OutboxRow
from libs.shared.store.sqlite.batch import EVENT
from libs.shared.store.sqlite.group import Errand
from libs.shared.store.sqlite.reads import Reads
from libs.shared.store.sqlite.sweeping import Old, sweep
from libs.shared.store.sqlite.writer import Writer
from libs.shared.values import Clock

_TOLD: Final = "UPDATE outbox SET told = ?, bus_position = ? WHERE position = ?"
_UNWRITTEN: Final = 4_096
"""Told rows whose note is not in the file yet, at most; then telling waits for the writer."""

_FRESH: Final = 4_096
"""Rows that wait in memory, at most; a longer backlog is read from the file."""


@dataclass(slots=True)
class SqliteOutbox:
    """Rows that wait to be told."""

    reads: Reads
    writer: Writer
    clock: Clock
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _unwritten: set[int] = field(default_factory=set)
    _written: set[int] = field(default_factory=set)
    """Those of them whose note has been written while a reader's thread was asking."""
    _asking: int = 0
    _fresh: dict[int, OutboxRow] = field(default_factory=dict)
    """All rows that wait, in order; holds up to `_known`, the position of the last event that it knows of."""
    _known: int | None = None

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows that are not told yet, in the order of their commits."""
        end = self.writer.position
        if self._known is not None and self._known >= end:
            return list(islice(self._fresh.values(), limit))
        text = f"SELECT {EVENT} FROM outbox WHERE told IS NULL ORDER BY position LIMIT ?"
        most = limit + len(self._unwritten)
        found = self.reads.at_once(text, (most,))
        if found is None:
            return await self._backlog(text, most, limit)
        rows = [_row(row) for row in found if row[0] not in self._unwritten]
        if len(found) < most:
            self._fresh = {row.position: row for row in rows}
            self._known = max(end, found[-1][0] if found else 0)
        return rows[:limit]

    async def _backlog(self, text: str, most: int, limit: int) -> list[OutboxRow]:
        """The same from a reader's thread, which may see the file as it was before a note was written meanwhile."""
        self._asking += 1
        try:
            found = await self.reads.run(lambda connection: connection.execute(text, (most,)).fetchall())
            return [_row(row) for row in found if row[0] not in self._unwritten][:limit]
        finally:
            self._asking -= 1
            if not self._asking:
                self._unwritten -= self._written
                self._written = set()

    def _note_written(self, places: set[int]) -> None:
        if self._asking:
            self._written |= places
        else:
            self._unwritten -= places

    async def told(self, rows: Sequence[OutboxRow], positions: Sequence[str]) -> None:
        """Note that the bus has acknowledged these, at these positions of its own."""
        at = moment(self.clock())
        told = [(at, position, row.position) for row, position in zip(rows, positions, strict=True)]
        places = {row.position for row in rows}
        self.writer.errand(Errand(_TOLD, told, lambda: self._note_written(places)))
        self._unwritten |= places
        for place in places:
            self._fresh.pop(place, None)
        if len(self._unwritten) > _UNWRITTEN:
            await self.writer.run(lambda _: None)

    async def sweep(self, older_than: datetime) -> int:
        """Remove rows told before this moment; how many."""
        return await sweep(self.writer, Old.OUTBOX, older_than)

    async def wake(self, seconds: float) -> None:
        """Return when a commit wrote rows, or after so many seconds."""
        waiting = asyncio.ensure_future(self._wake.wait())
        sleeping = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sleeping.cancel()
            await asyncio.gather(waiting, sleeping, return_exceptions=True)
        self._wake.clear()

    async def depth(self) -> tuple[int, datetime | None]:
        """How many rows wait, and since when the oldest."""
        text = "SELECT count(*), (SELECT time FROM outbox WHERE told IS NULL ORDER BY position LIMIT 1)"
        if self._unwritten:
            await self.writer.run(lambda _: None)  # behind it, all that was told is in the file
        found = await self.reads.query(text + " FROM outbox WHERE told IS NULL", ())
        count, oldest = found[0]
        return count, _time(oldest) if oldest else None

    def committed(self, events: Sequence[tuple[object, ...]]) -> None:
        """Take in rows just committed, and wake whoever waits for them."""
        if self._known is not None:
            for row in (_row(event) for event in events):
                if row.position > self._known:
                    self._fresh[row.position] = row
                    self._known = row.position
        if len(self._fresh) > _FRESH:
            self._fresh, self._known = {}, None
        self.rouse()

    def rouse(self) -> None:
        """Wake whoever waits for rows."""
        self._wake.set()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _row(found: tuple[object, ...]) -> OutboxRow:
    (position, event, form, source, subject, time, data, sequence, version, *why) = found
    workspace, actor, correlation, causation, trace = map(str, why)
    envelope = Envelope(
        id=str(event),
        type=str(form),
        source=str(source),
        subject=str(subject),
        time=_time(str(time)),
        data=str(data),
        sequence=int(str(sequence)),
        version=int(str(version)),
        workspace=workspace,
        actor=actor,
        correlationid=correlation,
        causationid=causation,
        traceparent=trace,
    )
    return OutboxRow(int(str(position)), envelope)
