"""Running a service's reactions to one event: parse, inbox, reactions, note; and what became of it, as a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from libs.shared.errors import Broken, Busy, Malformed, Missing, Stale
from libs.shared.event import CAUSE, Cause, Envelope, Event
from libs.shared.store.protocol import Store, Unit
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.traces import span, traceparent


class Reaction(Protocol):
    """`libs.shared.service.On`, as this room sees it."""

    @property
    def event(self) -> type[Event]:
        """What it reacts to."""
        ...

    @property
    def reaction(self) -> Callable[[Unit, Any], Awaitable[None]]:
        """What it does."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """The unit committed; `outcome` is what the work returned."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It had no effect. `again` when it may go well later; `reason` is for people."""

    again: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Down:
    """The store could not commit: nothing is known to be wrong with the message."""

    reason: str


_UNSAMPLED: Final = "-00"
"""How a W3C `traceparent` ends that its publisher did not record: by parent-based sampling nobody does after it."""

Outcome = Done | Failed | Down
Work = Callable[[Unit], Awaitable[str]]


@dataclass(slots=True)
class _Run:
    """Whether the work is running, to tell what it raises from what the store raises around it."""

    inside: bool = False


class Reactor:
    """All reactions of one service, which is also the consumer's name in inbox and metrics."""

    def __init__(self, service: str, reactions: Sequence[Reaction], store: Store, telemetry: Telemetry) -> None:
        self.service = service
        self._store = store
        self._telemetry = telemetry
        self._kinds = {reaction.event.full_type(): reaction.event for reaction in reactions}
        self._reactions = {
            name: tuple(reaction.reaction for reaction in reactions if reaction.event is kind)
            for name, kind in self._kinds.items()
        }

    @property
    def types(self) -> tuple[str, ...]:
        """The full types that are reacted to."""
        return tuple(sorted(self._kinds))

    def parsed(self, envelope: Envelope) -> Event:
        """Its event; raises `Malformed`."""
        kind = self._kinds.get(envelope.type)
        if kind is None:
            raise Malformed("event-unknown", f"{self.service} has no reaction to {envelope.type}")
        try:
            return kind.model_validate_json(envelope.data)
        except ValidationError as error:
            flaws = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            raise Malformed("event-malformed", f"{envelope.name} can't be read: {flaws}") from error

    async def react(self, unit: Unit, envelope: Envelope, event: Event) -> None:
        """Run the reactions and note the event with their effect."""
        for reaction in self._reactions[envelope.type]:
            await reaction(unit, event)
        unit.note(self.service, envelope.id)

    async def attempt(self, envelope: Envelope, work: Work) -> Outcome:
        """Run `work(unit)` in one unit, under the event's cause and in a span of its trace; where nobody records the
        trace, its id alone is passed on.
        """
        if envelope.traceparent.endswith(_UNSAMPLED):
            return await self._attempt(envelope, work, envelope.traceparent)
        with span(
            self._telemetry.tracer,
            f"{self.service} {envelope.name}",
            kind=SpanKind.CONSUMER,
            parent=envelope.traceparent,
            attributes=_attributes(envelope),
        ) as running:
            return await self._attempt(envelope, work, traceparent(running) or envelope.traceparent)

    async def _attempt(self, envelope: Envelope, work: Work, trace: str) -> Outcome:
        correlation = envelope.correlationid or envelope.id
        token = CAUSE.set(Cause(envelope.actor, correlation, causation=envelope.id, traceparent=trace))
        run = _Run()
        try:
            return Done(await self._store.transact(_watched, run, work))
        except Exception as error:  # noqa: BLE001  # a reaction may raise anything, and must stop no other
            return self._judged(error, envelope, inside=run.inside)
        finally:
            CAUSE.reset(token)

    def _judged(self, error: Exception, envelope: Envelope, *, inside: bool) -> Outcome:
        """What an error means: `inside` when the work raised it rather than the store around it."""
        if isinstance(error, (Busy, Broken)) and not inside:
            return Down(error.text)
        if isinstance(error, (Busy, Missing, Stale)):
            return Failed(again=True, reason=f"{error.slug}: {error.text}")
        self._telemetry.log.error("reaction failed", type=envelope.name, id=envelope.id, exc_info=error)
        return Failed(again=False, reason=f"{type(error).__name__}: {error}")


def _attributes(envelope: Envelope) -> dict[str, str]:
    """By OpenTelemetry's semantic conventions for messaging and CloudEvents."""
    return {
        "messaging.system": "orrery",
        "messaging.operation.type": "process",
        "messaging.message.id": envelope.id,
        "cloudevents.event_type": envelope.type,
        "cloudevents.event_subject": envelope.subject,
    }


async def _watched(unit: Unit, run: _Run, work: Work) -> str:
    run.inside = True
    outcome = await work(unit)
    run.inside = False
    return outcome
