"""The collaborators that outer functions are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Store
from libs.shared.values import Clock
from services.openpitrix.parts.desk import Desk, Site
from services.openpitrix.parts.journal import Journal
from services.openpitrix.settings import OpenpitrixSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """Of the app store."""

    store: Store
    clock: Clock
    settings: OpenpitrixSettings
    desk: Desk
    site: Site
    journal: Journal
    failpoints: Failpoints
