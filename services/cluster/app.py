"""The cluster service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.cluster.parts import Parts
from services.cluster.settings import ClusterSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="cluster",
    about="What is observed in Kubernetes clusters, and projects with their roles and members.",
    settings=ClusterSettings,
    open=opened,
)
