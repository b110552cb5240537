"""The collaborators that outer functions are handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter, Gauge

from libs.shared.http.client import Upstreams
from libs.shared.kube.client import Kube
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock
from services.monitoring.domain.answer import Answer
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.moment import Moments
from services.monitoring.domain.named import Catalogue
from services.monitoring.domain.rules import Rule
from services.monitoring.domain.sample import Reading, Report
from services.monitoring.settings import MonitoringSettings


class Metrics(Protocol):
    """Where series are: the embedded store, or a Prometheus."""

    async def query(self, expressions: Mapping[str, str], when: Moments) -> dict[str, Answer]:
        """Each expression's answer, by the same name; one that can't be answered says why in its `error`. Raises
        nothing of a single expression's.
        """
        ...

    async def series(self, selectors: Sequence[str], start: int, end: int) -> list[Labels]:
        """Series that one of the selectors holds for (all without one), with samples in this time (milliseconds).

        Raises `Invalid` for what is no selector, `Busy` and `Broken`.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class Keep(Protocol):
    """Where samples are written: the embedded store alone."""

    async def write(self, readings: Sequence[Reading], *, sync: bool = True) -> Report:
        """Keep samples, on disk when this returns; raises `Busy`."""
        ...

    async def take(self, request: bytes) -> Report:
        """Keep the samples of a request of remote write, on disk when this returns; raises `Malformed`, `Invalid` for
        labels that aren't accepted, and `Busy`.
        """
        ...

    async def record(self, rules: Sequence[Rule], at: int) -> Report:
        """Evaluate rules at this moment, one after the other, and keep what they give; raises `Busy`."""
        ...

    async def tend(self) -> None:
        """Make room: seal, compress, drop what is old."""
        ...


class Journal:
    """What is logged and counted of scrapes, rules and intake."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.log = telemetry.log
        registry = telemetry.registry
        self._samples = Counter(
            "orrery_samples", "Samples that came, by what became of them.", ("fate",), registry=registry
        )
        self._targets = Gauge(
            "orrery_scrape_targets", "Targets of the last round, by state.", ("up",), registry=registry
        )

    def kept(self, report: Report) -> None:
        """Count a report."""
        fates = (("kept", report.accepted), ("old", report.old), ("late", report.late), ("many", report.many))
        for fate, number in fates:
            if number:
                self._samples.labels(fate).inc(number)

    def round(self, up: int, down: int) -> None:
        """How a round of scrapes went."""
        self._targets.labels("1").set(up)
        self._targets.labels("0").set(down)


@dataclass(frozen=True, slots=True)
class Seeds:
    """Named metrics and recording rules, as they were shipped."""

    catalogue: Catalogue
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """What is scraped."""

    cluster: Kube
    upstreams: Upstreams


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    clock: Clock
    settings: MonitoringSettings
    metrics: Metrics
    keep: Keep | None
    """None where series are another's: nothing is scraped, recorded or taken then."""
    targets: Targets
    seeds: Seeds
    journal: Journal
