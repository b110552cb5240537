"""From the bus to a service's reactions: many subjects at once, each in order, each event with effect once.

The bus delivers at least once and in order within a subject; the inbox, noted in the reaction's own unit, makes of
that an effect exactly once. A message is acknowledged when its effect, or the fact that it is parked, is durable.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Gauge

from libs.shared.bus.protocol import Bus, Delivery, Group, Message, Unreadable
from libs.shared.delivery import parked
from libs.shared.delivery.parked import Parked
from libs.shared.delivery.react import Done, Down, Failed, Outcome, Reactor
from libs.shared.delivery.retry import PATIENT, QUICK, SLOW, Backoff
from libs.shared.errors import Fault, Malformed
from libs.shared.event import Event
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Store, Unit
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import Backlogs, ReactionMetrics
from libs.shared.values import Clock

DONE, SEEN, PARKED, FULL = "done", "seen", "parked", "full"
RETRIED = "retried"
_FETCH_WAIT = 5.0
_MEASURE_EVERY = 5.0
_FULL_WAIT = 30.0
"""Seconds that a message waits on the bus when its lane is full."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`in_flight` deliveries at once; `tries` before a message is parked; waits between them in `backoff`."""

    in_flight: int = 64
    tries: int = 10
    backoff: Backoff = QUICK
    slow: Backoff = SLOW
    lane_bound: int = parked.LANE_BOUND


DEFAULT = Limits()


class Consumer:
    """A service's durable group on one bus. `run` until cancelled; it may be run again."""

    def __init__(
        self,
        reactor: Reactor,
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
        telemetry: Telemetry,
        failpoints: Failpoints,
        limits: Limits = DEFAULT,
    ) -> None:
        self._reactor = reactor
        self._store = store
        self._bus = bus
        self._clock = clock
        self._log = telemetry.log
        self._failpoints = failpoints
        self._limits = limits
        self._running: set[asyncio.Task[None]] = set()
        self._lag: tuple[int, datetime | None] = (0, None)
        self._metrics = ReactionMetrics(telemetry.registry)
        self._lost = Gauge(
            "orrery_consumer_lost",
            "Messages that retention removed before they were handled.",
            registry=telemetry.registry,
        )
        Backlogs(telemetry.registry, clock).watch("orrery_consumer_lag", reactor.service, lambda: self._lag)

    async def run(self) -> None:
        """Handle what comes, until cancelled. Raises the bus's faults: whoever owns the task starts it again."""
        async with self._bus.group(self._reactor.service, self._reactor.types) as group, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure(group), name=f"measure {self._reactor.service}")
            while True:
                for delivery in await group.fetch(await self._room(), _FETCH_WAIT):
                    task = tasks.create_task(self._deliver(delivery))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)

    async def _room(self) -> int:
        """How many more may be in flight; waits until it is at least one."""
        while len(self._running) >= self._limits.in_flight:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        return self._limits.in_flight - len(self._running)

    async def _deliver(self, delivery: Delivery) -> None:
        """Handle one delivery, then acknowledge it or have it come again."""
        began = self._clock.monotonic()
        message = delivery.message
        name = message.envelope.name if isinstance(message, Message) else "unreadable"
        outcome = await self._outcome(delivery)
        if isinstance(outcome, Done) and outcome.outcome != FULL:
            await delivery.ack()
            self._failpoints.hit("consume.after-ack")
            self._metrics.handled(self._reactor.service, name, outcome.outcome, self._clock.monotonic() - began)
            return
        if isinstance(outcome, Done):
            await delivery.nak(_FULL_WAIT)
        else:
            await delivery.nak(self._wait(outcome, delivery.attempt))
            self._log.warning("event is tried again", type=name, attempt=delivery.attempt, reason=outcome.reason)
        self._metrics.handled(self._reactor.service, name, RETRIED, self._clock.monotonic() - began)

    def _wait(self, outcome: Failed | Down, attempt: int) -> float:
        backoff = PATIENT if isinstance(outcome, Down) else self._limits.backoff
        return backoff.after(attempt)

    async def _outcome(self, delivery: Delivery) -> Outcome:
        message = delivery.message
        if not isinstance(message, Message):
            return await self._park(delivery, message.reason)
        try:
            event = self._reactor.parsed(message.envelope)
        except Malformed as error:
            return await self._park(delivery, error.text)
        work = partial(self._handle, message=message, event=event, attempt=delivery.attempt)
        outcome = await self._reactor.attempt(message.envelope, work)
        if isinstance(outcome, Failed) and not (outcome.again and delivery.attempt < self._limits.tries):
            return await self._park(delivery, outcome.reason)
        self._failpoints.hit("consume.after-commit")
        return outcome

    async def _handle(self, unit: Unit, *, message: Message, event: Event, attempt: int) -> str:
        """The unit of one event: seen, or behind a parked one, or reacted to now."""
        envelope = message.envelope
        if await unit.seen(self._reactor.service, envelope.id):
            return SEEN
        if await parked.blocked(unit, envelope):
            reason = f"waits behind an earlier event of {envelope.subject}"
            return await self._keep(unit, self._parked(message, reason, attempt - 1, waits=True))
        await self._reactor.react(unit, envelope, event)
        self._failpoints.hit("consume.before-commit")
        return DONE

    async def _park(self, delivery: Delivery, reason: str) -> Outcome:
        """Park it in the store; where that fails too, the store is down."""
        document = self._parked(delivery.message, reason, delivery.attempt)
        try:
            outcome = await self._store.transact(self._keep, document)
        except Fault as error:
            return Down(error.text)
        self._log.error("event parked", type=document.type, id=document.id, subject=document.subject, reason=reason)
        return Done(outcome)

    async def _keep(self, unit: Unit, document: Parked) -> str:
        if await unit.seen(self._reactor.service, document.id):
            return SEEN
        return PARKED if await parked.park(unit, document, bound=self._limits.lane_bound) else FULL

    def _parked(self, message: Message | Unreadable, reason: str, attempts: int, *, waits: bool = False) -> Parked:
        now = self._clock()
        next_try = now + timedelta(seconds=self._limits.slow.after(1))
        return parked.from_message(message, reason=reason, attempts=attempts, at=now, next_try=next_try, waits=waits)

    async def _measure(self, group: Group) -> None:
        """Keep the gauges true, and say loudly when retention took what was not handled."""
        known = 0
        while True:
            self._lag = await group.lag()
            lost = await group.lost()
            self._lost.set(lost)
            if lost > known:
                self._log.error(
                    "events were removed before they were handled", lost=lost, consumer=self._reactor.service
                )
            known = lost
            await self._clock.sleep(_MEASURE_EVERY)
