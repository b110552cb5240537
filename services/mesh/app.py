"""The mesh service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.contracts.mesh_v1 import EVENTS
from libs.shared.service import Host, Service
from services.mesh.domain.governing import GROUP, ServicePolicy, Strategy
from services.mesh.domain.space import Space
from services.mesh.domain.split import Split
from services.mesh.domain.traces import Traces
from services.mesh.domain.view import View
from services.mesh.kinds import KINDS
from services.mesh.parts import Journal, Parts
from services.mesh.reactions import FOLLOWS, REACTIONS
from services.mesh.rest import ROUTES
from services.mesh.settings import MeshSettings
from services.mesh.workers import WORKERS


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: MeshSettings = host.settings
    traces = Traces(settings.trace_bytes, settings.trace_seconds)
    yield Parts(host.store, host.clock, settings, host.cluster, View(), Journal(host.telemetry), traces)


SERVICE = Service(
    name="mesh",
    about="Canary, blue-green and mirrored traffic: strategies and service policies made into Istio's objects; traces.",
    settings=MeshSettings,
    open=opened,
    documents=(Strategy, ServicePolicy, Space, Split),
    publishes=EVENTS,
    routes=ROUTES,
    kinds=KINDS,
    reactions=REACTIONS,
    follows=FOLLOWS,
    workers=WORKERS,
    groups={Strategy.PLURAL: GROUP, ServicePolicy.PLURAL: GROUP},
)
