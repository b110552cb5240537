"""The monitoring service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from libs.shared.service import Host, Service
from services.monitoring.clients.embedded import Embedded
from services.monitoring.clients.prometheus import PREFIX, Prometheus
from services.monitoring.domain.named import catalogue
from services.monitoring.domain.rules import rules_of
from services.monitoring.parts import Journal, Parts, Seeds, Targets
from services.monitoring.rest import ROUTES
from services.monitoring.settings import MonitoringSettings
from services.monitoring.workers import WORKERS

SEEDS = Path(__file__).parent / "seeds"


def seeds() -> Seeds:
    """Named metrics and recording rules, as they are shipped."""
    named = orjson.loads((SEEDS / "named.json").read_bytes())
    rules = orjson.loads((SEEDS / "rules.json").read_bytes())
    return Seeds(catalogue(named), rules_of(rules, named["macros"]))


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; raises `Invalid` for an address of ORRERY_METRICS that can't be read."""
    settings: MonitoringSettings = host.settings
    address = host.addresses.get("metrics", "embedded:")
    keep = None if address.startswith(PREFIX) else Embedded(host.data / "series", settings, host.clock)
    metrics = keep or Prometheus(address, settings)
    try:
        yield Parts(
            clock=host.clock,
            settings=settings,
            metrics=metrics,
            keep=keep,
            targets=Targets(host.cluster, host.upstreams),
            seeds=seeds(),
            journal=Journal(host.telemetry),
        )
    finally:
        await metrics.close()


SERVICE = Service(
    name="monitoring",
    about="Time series of the cluster and of the suite itself: scraped, kept, queried.",
    settings=MonitoringSettings,
    open=opened,
    routes=ROUTES,
    workers=WORKERS,
)
