"""What is logged and counted of documents."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from libs.shared.errors import Fault
from libs.shared.telemetry import Telemetry


class Journal:
    """One a process."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._log = telemetry.log
        self._kept = Counter("orrery_documents_kept", "Documents kept, by kind.", ("kind",), registry=registry)
        self._dropped = Counter("orrery_days_dropped", "Days removed, by kind.", ("kind",), registry=registry)
        self._left_out = Counter("orrery_documents_left_out", "Documents that are none.", ("kind",), registry=registry)
        self._gaps = Counter("orrery_audit_gaps", "Times that the channel had lost records.", registry=registry)
        self.streams = Gauge("orrery_log_streams", "Containers whose logs are followed.", registry=registry)

    def kept(self, kind: str, count: int) -> None:
        """Documents are on disk."""
        self._kept.labels(kind).inc(count)

    def dropped(self, kind: str, day: str) -> None:
        """A day was removed, by age or size."""
        self._dropped.labels(kind).inc()
        self._log.info("day removed", kind=kind, day=day)

    def left_out(self, kind: str, reason: str) -> None:
        """Something is no document of its kind, and is not kept."""
        self._left_out.labels(kind).inc()
        self._log.warning("document left out", kind=kind, reason=reason)

    def gap(self, after: str) -> None:
        """The records channel had lost what came next."""
        self._gaps.inc()
        self._log.error("audit records are missing", after=after)

    def waits(self, what: str, fault: Fault) -> None:
        """A source can't be read now."""
        self._log.warning("source waits", source=what, slug=fault.slug, reason=fault.text)
