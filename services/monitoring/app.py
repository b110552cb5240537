"""The monitoring service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.monitoring.parts import Parts
from services.monitoring.settings import MonitoringSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="monitoring",
    about="Time series of the cluster and of the suite itself: scraped, kept, queried.",
    settings=MonitoringSettings,
    open=opened,
)
