"""The logging service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.logging.parts import Parts
from services.logging.settings import LoggingSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="logging",
    about="Logs, Kubernetes events and audit records: followed, kept, searched.",
    settings=LoggingSettings,
    open=opened,
)
