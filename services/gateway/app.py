"""The gateway as a value, and how its parts are opened."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from libs.shared.contracts.gateway_v1 import EVENTS
from libs.shared.errors import Broken, Fault
from libs.shared.service import Host, Service
from services.gateway.clients.accounts import Accounts
from services.gateway.clients.services import Services
from services.gateway.domain.audit import Sampler
from services.gateway.domain.passwords import Passwords
from services.gateway.domain.route import Table
from services.gateway.domain.shelf import ACCOUNTS
from services.gateway.domain.sources import Sources
from services.gateway.domain.streams import Streams
from services.gateway.domain.tokens import Tokens
from services.gateway.parts import Behind, Making, Parts
from services.gateway.parts.journal import Journal
from services.gateway.parts.memory import Memory
from services.gateway.parts.told import Told
from services.gateway.parts.trail import Trail
from services.gateway.queries.table import read_table
from services.gateway.reactions import FOLLOWS, ask_for_snapshot, hear
from services.gateway.rest import ROUTES
from services.gateway.rest.front import public
from services.gateway.settings import GatewaySettings
from services.gateway.workers import WORKERS, tell_what_waits

TOLD_KEPT = 65_536
"""How many of the last events' ids are remembered, for replies that wait for them."""
ALIKE_KEPT = 4096
"""How many kinds of alike requests of nobody are counted at once."""


def memory_of(settings: GatewaySettings) -> Memory:
    """Nothing remembered yet: every decision is closed."""
    return Memory(
        sources=Sources(settings.silence),
        streams=Streams(settings.streams, settings.streams_per_user),
        passwords=Passwords(secrets.token_bytes(32), settings.password_life, settings.passwords),
        tokens=Tokens(settings.tokens),
        told=Told(TOLD_KEPT),
    )


def opened(host: Host) -> AbstractAsyncContextManager[Parts]:
    """The parts, with the committed table of routes."""
    return opened_with(host, read_table())


@asynccontextmanager
async def opened_with(host: Host, table: Table) -> AsyncIterator[Parts]:
    """The parts; at the end, what waits to be audited is told. Raises `Broken` without the key that signs callers."""
    if host.signer is None:
        raise Broken("no-signer", "the gateway was given no key to sign callers' identities with")
    settings: GatewaySettings = host.settings
    services = Services(host.upstreams, host.signer, host.clock)
    accounts = Accounts(services, host.clock)
    journal = Journal(host.telemetry)
    sampler = Sampler(settings.audit_window, ALIKE_KEPT)
    parts = Parts(
        clock=host.clock,
        settings=settings,
        memory=memory_of(settings),
        behind=Behind(services, accounts, host.cluster, table),
        trail=Trail(sampler, journal, most=settings.audit_queue, wait=settings.audit_wait),
        journal=journal,
        making=Making(host.ids, host.records),
    )
    try:
        yield parts
    finally:
        await accounts.close()
        try:
            await tell_what_waits(parts)
        except Fault as fault:
            journal.log.exception("audit records are lost", reason=fault.text, waiting=parts.trail.waiting)


async def ready(parts: Parts) -> None:
    """Return when decisions can be made and tokens judged; raises `Busy` or `Broken`."""
    parts.memory.sources.require(ACCOUNTS, parts.clock.monotonic())
    await parts.behind.accounts.require_keys()


SERVICE = Service(
    name="gateway",
    about="The front door: who is calling, what he may do, which service answers; and a record of it all.",
    settings=GatewaySettings,
    open=opened,
    publishes=EVENTS,
    routes=ROUTES,
    follows=FOLLOWS,
    on_tail=ask_for_snapshot,
    on_beat=hear,
    ready=ready,
    workers=WORKERS,
    public=public,
)
