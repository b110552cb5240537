"""The openpitrix service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.service import Host, Service
from services.openpitrix.parts import Parts
from services.openpitrix.settings import OpenpitrixSettings


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(store=host.store, clock=host.clock, settings=host.settings)


SERVICE = Service(
    name="openpitrix",
    about="The app store: repositories, apps, versions, reviews, and releases installed by Helm.",
    settings=OpenpitrixSettings,
    open=opened,
)
