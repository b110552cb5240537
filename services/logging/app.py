"""The logging service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.errors import Invalid
from libs.shared.service import Host, Service
from services.logging.clients.index.index import Index
from services.logging.domain.read import Read
from services.logging.domain.workspace import Founded
from services.logging.parts import Keeping, Parts, Sources
from services.logging.parts.journal import Journal
from services.logging.parts.spaces import Spaces
from services.logging.reactions import REACTIONS
from services.logging.rest import ROUTES
from services.logging.settings import LoggingSettings
from services.logging.workers import WORKERS


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; what waits for a commit when the block ends is refused. Raises `Invalid` for another store of logs."""
    settings: LoggingSettings = host.settings
    address = host.addresses.get("logs", "embedded:")
    if not address.startswith("embedded:"):
        raise Invalid("logs-address", f"ORRERY_LOGS={address} can't be used yet: the store of logs is embedded:")
    index = Index(host.data / "index", host.clock, most_days=settings.most_days, seconds=settings.query_seconds)
    try:
        yield Parts(
            store=host.store,
            clock=host.clock,
            settings=settings,
            keeping=Keeping(index, index),
            sources=Sources(host.cluster, host.records, host.ids),
            spaces=Spaces(),
            journal=Journal(host.telemetry),
        )
    finally:
        await index.close()


SERVICE = Service(
    name="logging",
    about="Logs, Kubernetes events and audit records: followed, kept, searched.",
    settings=LoggingSettings,
    open=opened,
    documents=(Founded, Read),
    routes=ROUTES,
    reactions=REACTIONS,
    workers=WORKERS,
    groups={"logs": "tenant.kubesphere.io", "events": "tenant.kubesphere.io", "auditing": "tenant.kubesphere.io"},
)
