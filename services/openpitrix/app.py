"""The app store as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from libs.shared.contracts import openpitrix_v1
from libs.shared.errors import Invalid
from libs.shared.sealing import sealer_of
from libs.shared.service import Host, Service
from services.openpitrix.clients.authority import Authority
from services.openpitrix.clients.blobs import Blobs
from services.openpitrix.clients.charts import Charts
from services.openpitrix.clients.helm import Helm
from services.openpitrix.clients.objects import Objects
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Attachment, Category
from services.openpitrix.domain.release import Release
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.version import Version
from services.openpitrix.parts import Parts
from services.openpitrix.parts.desk import Bells, Desk, Site
from services.openpitrix.parts.journal import Journal
from services.openpitrix.parts.packages import Packages
from services.openpitrix.reactions import REACTIONS
from services.openpitrix.rest import ROUTES
from services.openpitrix.settings import OpenpitrixSettings
from services.openpitrix.workers import WORKERS

DOCUMENTS = (Repo, App, Version, Category, Attachment, Release)


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed. Raises `Invalid` for blobs that nobody keeps."""
    settings: OpenpitrixSettings = host.settings
    charts, sealer = Charts(host.egress, settings), sealer_of(host.data)
    blobs = Blobs(_folder(host) / "openpitrix")
    yield Parts(
        store=host.store,
        clock=host.clock,
        settings=settings,
        desk=Desk(
            charts, blobs, Packages(host.store, charts, blobs, sealer, settings), sealer, host.ids, Bells(host.clock)
        ),
        site=Site(
            Helm(host.data / "helm", host.ids, settings.releases_at_once),
            Authority(host.calls, host.cluster),
            Objects(host.cluster),
        ),
        journal=Journal(host.telemetry),
        failpoints=host.failpoints,
    )


def _folder(host: Host) -> Path:
    """Where packages are kept; raises `Invalid` for what isn't a folder."""
    scheme, _, rest = host.addresses.get("blobs", f"file:{host.data / 'blobs'}").partition(":")
    if scheme != "file":
        raise Invalid("blobs-scheme", f"ORRERY_BLOBS: {scheme}: is not built yet; accepted is file:")
    return Path(rest).expanduser()


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
