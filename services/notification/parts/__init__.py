"""The collaborators that rest and workers are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Store
from libs.shared.values import Clock
from services.notification.parts.journal import Journal
from services.notification.parts.outlets import Bells, Courier, Outlets, Postman, Sights
from services.notification.settings import NotificationSettings

__all__ = ["Bells", "Courier", "Journal", "Outlets", "Parts", "Postman", "Sights"]


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the notification service."""

    store: Store
    clock: Clock
    settings: NotificationSettings
    outlets: Outlets
    bells: Bells
    journal: Journal
    failpoints: Failpoints
