"""The mesh service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.mesh.parts import Parts
from services.mesh.settings import MeshSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="mesh",
    about="Traffic between versions of an application, and the traces of requests.",
    settings=MeshSettings,
    open=opened,
)
