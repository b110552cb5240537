"""From a service's outbox to the bus: woken by commits, in the order of commits, each row told once acknowledged.

One pipeline of batches: while one batch's telling is noted, the next is on its way. A row may reach the bus twice
when the process dies between the bus's acknowledgement and the note; the bus, or else every inbox, knows its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from libs.shared.bus.protocol import Bus
from libs.shared.delivery import refused
from libs.shared.delivery.keep import OUTBOX_KEEP
from libs.shared.delivery.retry import PATIENT
from libs.shared.errors import Fault, Invalid
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import OutboxRow, Store
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import Backlogs
from libs.shared.values import Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """`batch` rows at once; a look at the outbox and a beat every `poll` seconds; told rows are kept for `keep`."""

    batch: int = 256
    poll: float = 1.0
    keep: timedelta = OUTBOX_KEEP
    sweep_every: float = 60.0


PACE = Pace()


class Relay:
    """The one teller of a store's outbox. `run` until cancelled; it may be run again."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        *,
        source: str,
        clock: Clock,
        telemetry: Telemetry,
        failpoints: Failpoints,
        pace: Pace = PACE,
    ) -> None:
        self._store = store
        self._bus = bus
        self._source = source
        self._clock = clock
        self._log = telemetry.log
        self._failpoints = failpoints
        self._pace = pace
        self._telling: asyncio.Task[None] | None = None
        self._in_hand: frozenset[int] = frozenset()
        self._failures = 0
        self._next_beat = self._next_sweep = clock.monotonic()
        self._depth: tuple[int, datetime | None] = (0, None)
        self._published = Counter("orrery_outbox_published", "Events told to the bus.", registry=telemetry.registry)
        Backlogs(telemetry.registry, clock).watch("orrery_outbox", source, lambda: self._depth)

    async def run(self) -> None:
        """Tell what waits, until cancelled. What store and bus refuse for now is tried again with backoff; meanwhile
        there is no beat, so that who rests on this source can tell.
        """
        try:
            while True:
                try:
                    await self._turn()
                    self._failures = 0
                except Fault as fault:
                    await self._rest(fault)
        finally:
            with suppress(Fault):  # told again at the next start
                await self._settled()

    async def _rest(self, fault: Fault) -> None:
        self._failures += 1
        self._log.warning("outbox not told", slug=fault.slug, reason=fault.text, failures=self._failures)
        with suppress(Fault):  # the rows stay, and are told again
            await self._settled()
        await self._clock.sleep(PATIENT.after(self._failures))

    async def _turn(self) -> None:
        """One look at the outbox: tell what is new, or wait for a commit."""
        looked_at = self._clock()
        waiting = await self._store.outbox.waiting(self._pace.batch + len(self._in_hand))
        if rows := [row for row in waiting if row.position not in self._in_hand]:
            await self._tell(rows)
            await self._beat(rows[0].envelope.time)
            return
        await self._settled()
        await self._beat(looked_at)
        await self._sweep()
        await self._store.outbox.wake(self._pace.poll)

    async def _tell(self, rows: Sequence[OutboxRow]) -> None:
        """Publish these; that they were told is noted while the next ones are looked for."""
        self._failpoints.hit("relay.before-publish")
        positions = await self._publish(rows)
        self._failpoints.hit("relay.after-publish")
        self._published.inc(len(rows))
        await self._settled()
        self._in_hand = frozenset(row.position for row in rows)
        self._telling = asyncio.create_task(self._told(rows, positions), name=f"told {self._source}")

    async def _told(self, rows: Sequence[OutboxRow], positions: Sequence[str]) -> None:
        await self._store.outbox.told(rows, positions)
        self._failpoints.hit("relay.after-told")

    async def _settled(self) -> None:
        """The last telling is noted; raises the store's fault, and then its rows wait again."""
        telling, self._telling = self._telling, None
        if telling is not None:
            await telling
        self._in_hand = frozenset()

    async def _publish(self, rows: Sequence[OutboxRow]) -> list[str]:
        """Positions of the rows; what the bus refuses for good is found by halving and set aside."""
        try:
            return list(await self._bus.publish([row.envelope for row in rows]))
        except Invalid as error:
            if len(rows) == 1:
                return [await self._set_aside(rows[0], error)]
        middle = len(rows) // 2
        return await self._publish(rows[:middle]) + await self._publish(rows[middle:])

    async def _set_aside(self, row: OutboxRow, error: Invalid) -> str:
        envelope = row.envelope
        await self._store.transact(refused.set_aside, envelope, reason=error.text)
        self._log.error("event refused by the bus", type=envelope.name, id=envelope.id, reason=error.text)
        return refused.POSITION

    async def _beat(self, at: datetime) -> None:
        """Once a second: everything that was committed by `at` has been told. With rows under way that is the time of
        the oldest of them, which lies before its commit.
        """
        if self._clock.monotonic() < self._next_beat:
            return
        self._next_beat = self._clock.monotonic() + self._pace.poll
        self._depth = await self._store.outbox.depth()
        await self._bus.beat(self._source, at)

    async def _sweep(self) -> None:
        if self._clock.monotonic() < self._next_sweep:
            return
        self._next_sweep = self._clock.monotonic() + self._pace.sweep_every
        await self._store.outbox.sweep(self._clock() - self._pace.keep)
