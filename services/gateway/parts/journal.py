"""What the gateway logs and counts. No label comes from a client, so their number is bounded."""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from libs.shared.telemetry import Telemetry

FINE = (0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0005, 0.001, 0.01)


class Journal:
    """One log and one set of metrics."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = self.registry = telemetry.registry
        self.log: Any = telemetry.log
        self.tracer = telemetry.tracer
        self.decisions = Counter("orrery_gateway_decisions", "Requests by decision.", ("decision",), registry=registry)
        self.deciding = Histogram("orrery_gateway_decision_seconds", "Time to decide.", buckets=FINE, registry=registry)
        self.streams = Gauge("orrery_gateway_streams", "Open streams.", registry=registry)
        self.cuts = Counter("orrery_gateway_cut_streams", "Streams cut, by reason.", ("reason",), registry=registry)
        self.audit_queue = Gauge("orrery_gateway_audit_queue", "Audit records that wait.", registry=registry)
        self.audit_told = Counter("orrery_gateway_audit_told", "Audit records told.", registry=registry)
        self.held = Counter(
            "orrery_gateway_held_replies",
            "Replies held for the index, by whether it came.",
            ("seen",),
            registry=registry,
        )
        self.snapshots = Counter(
            "orrery_gateway_snapshots", "Snapshots of the index, by outcome.", ("outcome",), registry=registry
        )
        self.left_out = Counter(
            "orrery_gateway_index_left_out", "Things left out of the index, too long to be read.", registry=registry
        )
