"""The followers' tail: every copy of a service sees every event that it follows, from the moment its tail stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import Counter

from libs.shared.bus.protocol import Beat, Bus, Message, Unreadable
from libs.shared.delivery.retry import PATIENT
from libs.shared.errors import Broken, Fault, Gone
from libs.shared.event import Envelope, Event
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock


class Followed(Protocol):
    """`libs.shared.service.Follow`, as this room sees it."""

    @property
    def event(self) -> type[Event]:
        """What it follows."""
        ...

    @property
    def follow(self) -> Callable[[Any, Envelope, Any], Awaitable[None]]:
        """What it does."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """What a service follows, with its hooks: `on_tail(parts)` each time the tail stands, before the first message is
    handed over; `on_beat(beat, parts)` for each sign of life of a relay.
    """

    service: str
    follows: Sequence[Followed]
    on_tail: Callable[[Any], Awaitable[None]] | None = None
    on_beat: Callable[[Beat, Any], None] | None = None


class Follower:
    """One tail a service and process. `run` until cancelled."""

    def __init__(self, following: Following, *, parts: Any, bus: Bus, clock: Clock, telemetry: Telemetry) -> None:
        self._following = following
        self._parts = parts
        self._bus = bus
        self._clock = clock
        self._log = telemetry.log
        self._kinds = {follow.event.full_type(): follow.event for follow in following.follows}
        self._follows = {
            name: tuple(follow.follow for follow in following.follows if follow.event is kind)
            for name, kind in self._kinds.items()
        }
        self._after: str | None = None
        self._failures = 0
        self._errors = Counter(
            "orrery_follower_errors", "Events that a follower failed on.", ("event",), registry=telemetry.registry
        )
        self._openings = Counter(
            "orrery_follower_openings", "How often the tail was opened.", registry=telemetry.registry
        )

    async def run(self) -> None:
        """Follow for ever. A tail that ends (`Busy`, `Broken`, `Gone`), a snapshot that fails and a follower's error
        all lead to the same: wait a little, open again after the last event handed over, take a new snapshot.
        """
        while True:
            try:
                await self._tail()
            except Gone as gone:
                self._after = None
                self._reopening(gone)
            except Fault as fault:
                self._reopening(fault)
            self._failures += 1
            await self._clock.sleep(PATIENT.after(self._failures))

    def _reopening(self, fault: Fault) -> None:
        self._log.warning("followers' tail is opened again", slug=fault.slug, reason=fault.text)

    async def _tail(self) -> None:
        self._openings.inc()
        if self._after is None:
            self._after = await self._bus.end()
        async with aclosing(self._bus.tail(tuple(self._kinds), after=self._after)) as tail:
            first = await anext(tail)
            if self._following.on_tail is not None:
                await self._following.on_tail(self._parts)
            await self._hand_over(first)
            self._failures = 0
            async for batch in tail:
                await self._hand_over(batch)

    async def _hand_over(self, batch: Sequence[Message | Unreadable | Beat]) -> None:
        for item in batch:
            if isinstance(item, Beat):
                if self._following.on_beat is not None:
                    self._following.on_beat(item, self._parts)
                continue
            self._after = item.position
            if isinstance(item, Unreadable):
                self._errors.labels("unreadable").inc()
                self._log.error("followers skip what can't be read", position=item.position, reason=item.reason)
            elif not await self._followed(item.envelope) and self._following.on_tail is not None:
                raise Broken("follower-missed", f"a follower failed on {item.envelope.name} {item.envelope.id}")

    async def _followed(self, envelope: Envelope) -> bool:
        """Hand one event to every follower of its type; whether all took it. It is never handed over again: where there
        is a snapshot to take, that heals what was missed.
        """
        went_well = True
        for follow in self._follows[envelope.type]:
            try:
                await follow(self._kinds[envelope.type].model_validate_json(envelope.data), envelope, self._parts)
            except Exception:  # noqa: BLE001  # a follower may raise anything, and must not end the tail of the others
                went_well = False
                self._errors.labels(envelope.name).inc()
                self._log.exception("follower failed", type=envelope.name, id=envelope.id)
        return went_well
