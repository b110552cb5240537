"""The notification service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from libs.shared.bell import Bell
from libs.shared.contracts.notification_v1 import EVENTS
from libs.shared.errors import Invalid
from libs.shared.service import Host, Service
from services.notification.clients.folder import Folder
from services.notification.clients.smtp import Smtp, server_of, trust_of
from services.notification.domain.address import Address, mailbox_of
from services.notification.domain.letter import Letter
from services.notification.parts import Journal, Parts, Postman
from services.notification.reactions import FOLLOWS, REACTIONS
from services.notification.rest import ROUTES
from services.notification.settings import NotificationSettings
from services.notification.workers import WORKERS


def postman_of(address: str, settings: NotificationSettings, data: Path) -> Postman:
    """Where the address says that letters go; raises `Invalid`."""
    sender = mailbox_of(settings.sender).addr_spec
    scheme, _, rest = address.partition(":")
    if scheme == "outbox":
        return Folder(Path(rest).expanduser() if rest else data / "mail")
    if scheme in ("smtp", "smtps"):
        return Smtp(server_of(address), sender, settings.timeout, trust_of(settings.ca))
    raise Invalid("mail-scheme", f"ORRERY_MAIL begins with {scheme}: but outbox:, smtp:// and smtps:// are accepted")


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: NotificationSettings = host.settings
    yield Parts(
        store=host.store,
        clock=host.clock,
        settings=settings,
        postman=postman_of(host.addresses.get("mail", "outbox:"), settings, host.data),
        bell=Bell(host.clock),
        journal=Journal(host.telemetry),
        failpoints=host.failpoints,
    )


SERVICE = Service(
    name="notification",
    about="Letters to users: queued by events, sent by one worker, kept with what became of them.",
    settings=NotificationSettings,
    open=opened,
    documents=(Address, Letter),
    publishes=EVENTS,
    routes=ROUTES,
    reactions=REACTIONS,
    follows=FOLLOWS,
    workers=WORKERS,
    groups={"letters": "notification.orrery.io"},
)
