"""What is logged, traced and counted of letters and messages; never what they say or where they go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from libs.shared.errors import Fault
from libs.shared.event import CAUSE, Cause
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.traces import span, traceparent
from services.notification.domain.letter import Letter
from services.notification.domain.notice import Notice

ACTOR = "system:notification"


class Journal:
    """What is logged, traced and counted of letters; never what they say or where they go."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._outcomes = Counter(
            "orrery_letters", "Attempts to send a letter, by their outcome.", ("outcome",), registry=telemetry.registry
        )

        self._notices = Counter(
            "orrery_notices",
            "Attempts to tell a webhook or a chat, by channel and outcome.",
            ("channel", "outcome"),
            registry=telemetry.registry,
        )

    @contextmanager
    def attempt(self, letter: Letter) -> Iterator[None]:
        """One attempt, as part of the trace and the chain of causes that the letter came from."""
        named = {
            "orrery.letter": letter.id,
            "orrery.occasion": letter.occasion.value,
            "orrery.attempt": letter.attempts,
        }
        with self._caused("send letter", named, letter.traceparent, (letter.correlation, letter.event)):
            yield

    @contextmanager
    def sending(self, notice: Notice) -> Iterator[None]:
        """One attempt to tell a webhook or a chat."""
        named = {"orrery.notice": notice.id, "orrery.receiver": notice.receiver, "orrery.channel": notice.channel}
        with self._caused("send notice", named, notice.traceparent, (notice.correlation, notice.event)):
            yield

    @contextmanager
    def _caused(self, name: str, named: Mapping[str, str | int], trace: str, chain: tuple[str, str]) -> Iterator[None]:
        kind = SpanKind.CLIENT
        with span(self._telemetry.tracer, name, kind=kind, parent=trace, attributes=named):
            was = CAUSE.set(Cause(ACTOR, chain[0], chain[1], traceparent()))
            try:
                yield
            finally:
                CAUSE.reset(was)

    def sent(self, notice: Notice, outcome: str, fault: str = "") -> None:
        """What became of an attempt; `fault` says why not."""
        self._notices.labels(notice.channel, outcome).inc()
        log = self._telemetry.log.warning if fault else self._telemetry.log.info
        log("notice", notice=notice.id, receiver=notice.receiver, outcome=outcome, fault=fault)

    def held_up(self, fault: Fault) -> None:
        """Receivers can't be told now."""
        self._telemetry.log.warning("alerts wait", fault=fault.slug)

    def note(self, letter: Letter, slug: str = "") -> None:
        """What became of an attempt; `slug` names the fault."""
        self._outcomes.labels(letter.state.value).inc()
        log = self._telemetry.log.warning if slug else self._telemetry.log.info
        log("letter", letter=letter.id, state=letter.state.value, attempts=letter.attempts, fault=slug)
