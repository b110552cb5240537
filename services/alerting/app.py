"""The alerting service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.alerting.parts import Parts
from services.alerting.settings import AlertingSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="alerting",
    about="Alert rules, evaluated every interval; what fires and what is over is told once.",
    settings=AlertingSettings,
    open=opened,
)
