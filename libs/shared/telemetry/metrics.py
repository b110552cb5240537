"""Metrics: a registry a service, and the families that every service has: routes, outbox, consumers, process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def make_registry() -> CollectorRegistry:
    """A registry with the process's own metrics (CPU, memory, open files)."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    return registry


class RouteMetrics:
    """Rate, errors and duration of the routes. `route` is the pattern, never the path: labels are bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "orrery_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "orrery_http_request_seconds", "Time to answer.", ("method", "route"), buckets=SECONDS, registry=registry
        )
        self.running = Gauge("orrery_http_requests_running", "Requests being answered.", registry=registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class ConnectionMetrics:
    """Clients' connections: how many are open, and how many were refused or ended from here, by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge("orrery_connections", "Connections of clients that are open.", registry=registry)
        self._cut = Counter(
            "orrery_connections_cut", "Connections refused or ended from here.", ("reason",), registry=registry
        )

    def cut(self, reason: str) -> None:
        """Count one."""
        self._cut.labels(reason).inc()


class ReactionMetrics:
    """Rate, errors and duration of the reactions. `outcome` is done, seen, retried or parked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "orrery_consumer_events", "Events handled.", ("consumer", "event", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "orrery_consumer_seconds", "Time to handle.", ("consumer", "event"), buckets=SECONDS, registry=registry
        )
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def handled(self, consumer: str, event: str, outcome: str, seconds: float) -> None:
        """Count one delivery. The labelled children are kept: looking one up costs more than counting in it."""
        name = (consumer, event, outcome)
        children = self._children.get(name)
        if children is None:
            children = (self._events.labels(*name), self._seconds.labels(consumer, event))
            self._children[name] = children
        children[0].inc()
        children[1].observe(seconds)


class Backlog(Protocol):
    """What waits: how many, and since when the oldest."""

    def __call__(self) -> tuple[int, datetime | None]:
        """As last measured, without waiting."""
        ...


class Backlogs:
    """Gauges of depth and age that are read when scraped: `orrery_outbox`, `orrery_consumer_lag`, `orrery_parked`."""

    def __init__(self, registry: CollectorRegistry, now: Callable[[], datetime]) -> None:
        self._now = now
        self._sources: dict[tuple[str, str], Backlog] = {}
        registry.register(self)

    def watch(self, family: str, name: str, source: Backlog) -> None:
        """Show this backlog as `<family>_depth{name}` and `<family>_age_seconds{name}`."""
        self._sources[family, name] = source

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        yield from self._families("depth", "How many wait.", lambda depth, _: float(depth))
        yield from self._families("age_seconds", "Age of the oldest that waits.", lambda _, since: self._age(since))

    def _families(
        self, suffix: str, about: str, value: Callable[[int, datetime | None], float]
    ) -> Iterator[GaugeMetricFamily]:
        for family in sorted({family for family, _ in self._sources}):
            metric = GaugeMetricFamily(f"{family}_{suffix}", about, labels=("name",))
            for (owner, name), source in self._sources.items():
                if owner == family:
                    metric.add_metric((name,), value(*source()))
            yield metric

    def _age(self, since: datetime | None) -> float:
        return max(0.0, (self._now() - since).total_seconds()) if since else 0.0
