"""What is logged and counted of the log and its streams."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from libs.shared.bus.protocol import Unreadable
from libs.shared.contracts.events_v1 import LogInterrupted
from libs.shared.egress.client import Reply
from libs.shared.errors import Fault
from libs.shared.telemetry import Telemetry
from services.events.domain.delivery import Failure
from services.events.domain.sight import Cut
from services.events.domain.subscription import Subscription


class Journal:
    """One a process."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._log = telemetry.log
        self._entries = Counter("orrery_log_entries", "Events added to the log.", registry=registry)
        self._gaps = Counter("orrery_log_gaps", "Times that the bus had lost what came next.", registry=registry)
        self._swept = Counter("orrery_log_swept", "Events that the log keeps no longer.", registry=registry)
        self._unreadable = Counter("orrery_log_unreadable", "Messages that are no events.", registry=registry)
        self._cuts = Counter(
            "orrery_streams_cut", "Streams that were ended, by reason.", ("reason",), registry=registry
        )
        self._attempts = Counter(
            "orrery_webhooks", "Attempts to deliver an event to a subscription.", ("outcome",), registry=registry
        )
        self.streams = Gauge("orrery_streams", "Streams that are open.", registry=registry)

    def added(self, count: int) -> None:
        """Entries were added."""
        self._entries.inc(count)

    def gap(self, event: LogInterrupted) -> None:
        """Something is missing from the log."""
        self._gaps.inc()
        self._log.error("events are missing from the log", after=event.after, position=event.position)

    def swept(self, count: int) -> None:
        """The oldest entries were removed."""
        self._swept.inc(count)

    def unreadable(self, message: Unreadable) -> None:
        """Something on the bus is no event, and is left out."""
        self._unreadable.inc()
        self._log.error("left out of the log: no event", position=message.position, reason=message.reason)

    def cut(self, user: str, cut: Cut) -> None:
        """A stream was ended."""
        self._cuts.labels(cut.reason).inc()
        self._log.info("stream cut", user=user, reason=cut.reason)

    def attempted(self, outcome: Reply | Failure) -> None:
        """An event was posted to a receiver, or could not be."""
        self._attempts.labels("failed" if isinstance(outcome, Failure) else "delivered").inc()

    def held_up(self, subscription: Subscription, fault: Fault) -> None:
        """Nothing can be delivered for now, by no fault of the receiver's."""
        self._log.warning("deliveries wait", subscription=subscription.key, reason=fault.text)
