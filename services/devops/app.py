"""The devops service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.devops.parts import Parts
from services.devops.settings import DevopsSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="devops",
    about="CI/CD: DevOps projects, credentials, pipelines and their runs.",
    settings=DevopsSettings,
    open=opened,
)
