"""The collaborators that rest and workers are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.bus.protocol import Bus
from libs.shared.store.protocol import Store
from libs.shared.values import Clock
from services.events.parts.desk import Desk
from services.events.parts.feed import Feed
from services.events.parts.journal import Journal
from services.events.settings import EventsSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the events service."""

    store: Store
    bus: Bus
    clock: Clock
    settings: EventsSettings
    feed: Feed
    journal: Journal
    desk: Desk
