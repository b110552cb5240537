"""The notification service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from libs.shared.contracts.notification_v1 import EVENTS
from libs.shared.errors import Invalid
from libs.shared.sealing import sealer_of
from libs.shared.service import Host, Service
from libs.shared.store.protocol import Document
from services.notification.clients.folder import Folder
from services.notification.clients.sights import GatewaySights
from services.notification.clients.smtp import Smtp, server_of, trust_of
from services.notification.domain.address import Address, mailbox_of
from services.notification.domain.letter import Letter
from services.notification.domain.notice import Notice
from services.notification.domain.noun import GROUP
from services.notification.domain.object import OBJECTS
from services.notification.domain.signal import Bunch, Signal
from services.notification.domain.told import Told
from services.notification.kinds import KINDS
from services.notification.parts import Bells, Journal, Outlets, Parts, Postman
from services.notification.reactions import FOLLOWS, REACTIONS
from services.notification.rest import ROUTES
from services.notification.settings import NotificationSettings
from services.notification.workers import WORKERS

DOCUMENTS: tuple[type[Document], ...] = (Address, Letter, Signal, Bunch, Told, Notice, *OBJECTS.values())
GATHERED = 5.0
GATHERED_APART = 30.0
"""Seconds that alerts are gathered, embedded and distributed."""


def postman_of(address: str, settings: NotificationSettings, data: Path) -> Postman:
    """Where the address says that letters go; raises `Invalid`."""
    sender = mailbox_of(settings.sender).addr_spec
    scheme, _, rest = address.partition(":")
    if scheme == "outbox":
        return Folder(Path(rest).expanduser() if rest else data / "mail")
    if scheme in ("smtp", "smtps"):
        return Smtp(server_of(address), sender, settings.timeout, trust_of(settings.ca))
    raise Invalid("mail-scheme", f"ORRERY_MAIL begins with {scheme}: but outbox:, smtp:// and smtps:// are accepted")


def waiting(settings: NotificationSettings, bus: str) -> NotificationSettings:
    """The settings, with how long alerts are gathered where nobody has said it: less where one process does it all."""
    if settings.group_wait is not None:
        return settings
    return settings.model_copy(update={"group_wait": GATHERED if bus.startswith("embedded") else GATHERED_APART})


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: NotificationSettings = host.settings
    yield Parts(
        store=host.store,
        clock=host.clock,
        settings=waiting(settings, host.addresses.get("bus", "")),
        outlets=Outlets(
            postman_of(host.addresses.get("mail", "outbox:"), settings, host.data),
            host.egress,
            sealer_of(host.data),
            GatewaySights(host.calls),
        ),
        bells=Bells(host.clock),
        journal=Journal(host.telemetry),
        failpoints=host.failpoints,
    )


SERVICE = Service(
    name="notification",
    about="Letters to users, and alerts to receivers by mail, webhook and Slack: each told once.",
    settings=NotificationSettings,
    open=opened,
    documents=DOCUMENTS,
    publishes=EVENTS,
    routes=ROUTES,
    kinds=KINDS,
    reactions=REACTIONS,
    follows=FOLLOWS,
    workers=WORKERS,
    groups={"letters": "notification.orrery.io"}
    | {name: GROUP for name, kind in OBJECTS.items() if not kind.NOUN.core},
)
