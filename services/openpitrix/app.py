"""The app store as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.contracts import openpitrix_v1
from libs.shared.sealing import sealer_of
from libs.shared.service import Host, Service
from services.openpitrix.clients.charts import Charts
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Attachment, Category
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.version import Version
from services.openpitrix.parts import Parts
from services.openpitrix.parts.desk import Bells, Desk
from services.openpitrix.parts.journal import Journal
from services.openpitrix.reactions import REACTIONS
from services.openpitrix.rest import ROUTES
from services.openpitrix.settings import OpenpitrixSettings
from services.openpitrix.workers import WORKERS

DOCUMENTS = (Repo, App, Version, Category, Attachment)


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: OpenpitrixSettings = host.settings
    yield Parts(
        store=host.store,
        clock=host.clock,
        ids=host.ids,
        settings=settings,
        desk=Desk(Charts(host.egress, settings), sealer_of(host.data), Bells(host.clock)),
        journal=Journal(host.telemetry),
        failpoints=host.failpoints,
    )


SERVICE = Service(
    name="openpitrix",
    about="The app store: repositories of charts, apps and their reviews, and releases by Helm.",
    settings=OpenpitrixSettings,
    open=opened,
    documents=DOCUMENTS,
    publishes=openpitrix_v1.EVENTS,
    routes=ROUTES,
    reactions=REACTIONS,
    workers=WORKERS,
    groups=dict.fromkeys(("repos", "apps", "applications", "categories", "attachments"), "openpitrix.io"),
)
