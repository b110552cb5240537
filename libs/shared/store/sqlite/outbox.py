"""The outbox as the relay reads it.

That a row was told is remembered at once and written with the next transaction: after a crash it may be told again,
which the bus and every inbox expect, and no telling costs an fsync of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from libs.shared.event import Envelope
from libs.shared.store.canonical import moment
from libs.shared.store.protocol import OutboxRow
from libs.shared.store.sqlite.batch import EVENT
from libs.shared.store.sqlite.group import Errand
from libs.shared.store.sqlite.reads import Reads
from libs.shared.store.sqlite.writer import Writer
from libs.shared.values import Clock

_TOLD: Final = "UPDATE outbox SET told = ?, bus_position = ? WHERE position = ?"
_UNWRITTEN: Final = 4_096
"""Told rows whose note is not in the file yet, at most; then telling waits for the writer."""


@dataclass(slots=True)
class SqliteOutbox:
    """Rows that wait to be told."""

    reads: Reads
    writer: Writer
    clock: Clock
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _unwritten: set[int] = field(default_factory=set)

    async def waiting(self, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows that are not told yet, in the order of their commits."""
        text = f"SELECT {EVENT} FROM outbox WHERE told IS NULL ORDER BY position LIMIT ?"
        found = await self.reads.query(text, (limit + len(self._unwritten),))
        return [_row(row) for row in found if row[0] not in self._unwritten][:limit]

    async def told(self, rows: Sequence[OutboxRow], positions: Sequence[str]) -> None:
        """Note that the bus has acknowledged these, at these positions of its own."""
        at = moment(self.clock())
        told = [(at, position, row.position) for row, position in zip(rows, positions, strict=True)]
        places = {row.position for row in rows}
        self._unwritten |= places
        self.writer.errand(Errand(_TOLD, told, lambda: self._unwritten.difference_update(places)))
        if len(self._unwritten) > _UNWRITTEN:
            await self.writer.run(lambda _: None)

    async def sweep(self, older_than: datetime) -> int:
        """Remove rows told before this moment; how many."""
        text, values = "DELETE FROM outbox WHERE told < ?", (moment(older_than),)
        return int(await self.writer.run(lambda connection: connection.execute(text, values).rowcount))

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
