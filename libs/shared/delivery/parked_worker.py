"""Trying parked messages again, slowly: each lane from its head, until it is empty or its head fails once more."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from functools import partial

from libs.shared.bus.codec import decoded
from libs.shared.delivery import parked
from libs.shared.delivery.parked import Parked
from libs.shared.delivery.react import Done, Down, Failed, Outcome, Reactor
from libs.shared.delivery.retry import SLOW, Backoff
from libs.shared.errors import Fault, Malformed
from libs.shared.event import Envelope, Event
from libs.shared.store.protocol import Find, Range, Store, Unit
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import Backlogs
from libs.shared.values import Clock

_LOOK_EVERY = 5.0
_BATCH = 100
_GONE, _DONE = "gone", "done"


class ParkedRetries:
    """One loop a service; run it under a lease where several copies run."""

    def __init__(
        self, reactor: Reactor, *, store: Store, clock: Clock, telemetry: Telemetry, backoff: Backoff = SLOW
    ) -> None:
        self._reactor = reactor
        self._store = store
        self._clock = clock
        self._log = telemetry.log
        self._backoff = backoff
        self._depth: tuple[int, datetime | None] = (0, None)
        Backlogs(telemetry.registry, clock).watch("orrery_parked", reactor.service, lambda: self._depth)

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            try:
                await self.once()
            except Fault as error:
                self._log.warning("parked events not looked at", reason=error.text)
            await self._clock.sleep(_LOOK_EVERY)

    async def once(self) -> None:
        """Try what is due, lane by lane; raises the store's faults."""
        await self._measure()
        due = Find((Range("next_try", high=self._clock() + timedelta(microseconds=1)),), sort="next_try", limit=_BATCH)
        lanes = dict.fromkeys(one.lane for one in await self._store.of(Parked).find(due))
        for lane in lanes:
            while await self._advance(lane):
                pass

    async def _measure(self) -> None:
        reader = self._store.of(Parked)
        oldest = await reader.find(Find(sort="position", limit=1))
        self._depth = (await reader.count(), oldest[0].parked_at if oldest else None)

    async def _advance(self, lane: str) -> bool:
        """Try the lane's head if it is due; whether the lane moved on."""
        head = await self._store.transact(parked.first_of, lane)
        if head is None:
            return False
        if head.next_try > self._clock():
            await self._store.transact(self._defer_behind, head)
            return False
        outcome = await self._tried(head)
        if isinstance(outcome, Failed):
            await self._store.transact(self._defer, head.id, outcome.reason)
        return isinstance(outcome, Done)

    async def _tried(self, head: Parked) -> Outcome:
        try:
            envelope = decoded(head.event.encode() if head.event else base64.b64decode(head.raw))
            event = self._reactor.parsed(envelope)
        except Malformed as error:
            return Failed(again=False, reason=error.text)
        outcome = await self._reactor.attempt(
            envelope, partial(self._again, name=head.id, envelope=envelope, event=event)
        )
        if isinstance(outcome, Down):
            self._log.warning("parked event not tried: the store is down", id=head.id, reason=outcome.reason)
        return outcome

    async def _again(self, unit: Unit, *, name: str, envelope: Envelope, event: Event) -> str:
        """The reaction's effect, the inbox note and the end of the parking, all or nothing."""
        standing = await unit.of(Parked).look(name)
        if standing is None:
            return _GONE
        if not await unit.seen(self._reactor.service, envelope.id):
            await self._reactor.react(unit, envelope, event)
        await parked.unpark(unit, standing, at=unit.at)
        return _DONE

    async def _defer(self, unit: Unit, name: str, reason: str) -> None:
        """It failed once more: later, and later each time."""
        standing = await unit.of(Parked).look(name)
        if standing is None:
            return
        attempts = standing.attempts + 1
        next_try = self._clock() + timedelta(seconds=self._backoff.after(attempts))
        changed = {"attempts": attempts, "reason": reason[:2000], "next_try": next_try, "waits": False}
        await unit.of(Parked).put(standing.model_copy(update=changed))

    async def _defer_behind(self, unit: Unit, head: Parked) -> None:
        """What is due and waits behind a head that isn't: not before the head."""
        for one in await unit.of(Parked).find(parked.lane_find(head.lane)):
            if one.next_try < head.next_try:
                await unit.of(Parked).put(one.model_copy(update={"next_try": head.next_try}))
