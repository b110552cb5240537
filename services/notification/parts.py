"""The collaborators that rest and workers are handed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from libs.shared.bell import Bell
from libs.shared.event import CAUSE, Cause
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.traces import span, traceparent
from libs.shared.values import Clock
from services.notification.domain.letter import Letter
from services.notification.settings import NotificationSettings

ACTOR = "system:notification"


class Courier(Protocol):
    """One conversation with a mail server."""

    async def deliver(self, message: EmailMessage, to: str) -> None:
        """Return when it is accepted. Raises `Refused` (for good), `Busy` (try later), `Unreachable` (nothing can be
        delivered by this courier any more).
        """
        ...


class Postman(Protocol):
    """Where letters are taken to."""

    def visit(self) -> AbstractAsyncContextManager[Courier]:
        """Begin a conversation; raises `Unreachable`."""
        ...

    async def forget(self, names: Sequence[str]) -> None:
        """Remove what is kept here of the letters of these names, if anything is; raises `Unreachable`."""
        ...


class Journal:
    """What is logged, traced and counted of letters; never what they say or where they go."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._outcomes = Counter(
            "orrery_letters", "Attempts to send a letter, by their outcome.", ("outcome",), registry=telemetry.registry
        )

    @contextmanager
    def attempt(self, letter: Letter) -> Iterator[None]:
        """One attempt, as part of the trace and the chain of causes that the letter came from."""
        named = {
            "orrery.letter": letter.id,
            "orrery.occasion": letter.occasion.value,
            "orrery.attempt": letter.attempts,
        }
        with span(
            self._telemetry.tracer,
            "send letter",
            kind=SpanKind.CLIENT,
            parent=letter.traceparent,
            attributes=named,
        ):
            was = CAUSE.set(Cause(ACTOR, letter.correlation, letter.event, traceparent()))
            try:
                yield
            finally:
                CAUSE.reset(was)

    def note(self, letter: Letter, slug: str = "") -> None:
        """What became of an attempt; `slug` names the fault."""
        self._outcomes.labels(letter.state.value).inc()
        log = self._telemetry.log.warning if slug else self._telemetry.log.info
        log("letter", letter=letter.id, state=letter.state.value, attempts=letter.attempts, fault=slug)


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the notification service."""

    store: Store
    clock: Clock
    settings: NotificationSettings
    postman: Postman
    bell: Bell
    journal: Journal
    failpoints: Failpoints
