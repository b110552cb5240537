"""The events service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.bell import Bell
from libs.shared.contracts.events_v1 import EVENTS
from libs.shared.sealing import sealer_of
from libs.shared.service import Host, Service
from services.events.clients.sights import GatewaySights
from services.events.domain.delivery import Delivery
from services.events.domain.entry import Cursor, Entry, Floor, Swept
from services.events.domain.subscription import Removed, Subscription
from services.events.parts import Parts
from services.events.parts.desk import Bells, Desk
from services.events.parts.feed import Feed
from services.events.parts.journal import Journal
from services.events.queries import log as queries
from services.events.rest import ROUTES
from services.events.settings import EventsSettings
from services.events.shapes import log as shapes
from services.events.workers import WORKERS


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; streams end when the block does."""
    settings: EventsSettings = host.settings
    feed = Feed(shapes.frame, (await queries.log_cursor(host.store)).position, settings.depth, Bell(host.clock))
    try:
        yield Parts(
            store=host.store,
            bus=host.events,
            clock=host.clock,
            settings=settings,
            feed=feed,
            journal=Journal(host.telemetry),
            desk=Desk(host.egress, GatewaySights(host.calls, host.clock), sealer_of(host.data), Bells(host.clock)),
        )
    finally:
        feed.close()


SERVICE = Service(
    name="events",
    about="The log of everything that happened: in one order, replayable, as pages, streams and signed webhooks.",
    settings=EventsSettings,
    open=opened,
    documents=(Entry, Cursor, Floor, Swept, Subscription, Removed, Delivery),
    publishes=EVENTS,
    routes=ROUTES,
    workers=WORKERS,
    groups={"events": "events.orrery.io", "subscriptions": "events.orrery.io"},
)
