"""Opening one service: its store, its Host, its parts, its loops, its HTTP; closed in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.shared.config import Address
from libs.shared.config.suite import Place
from libs.shared.delivery import parked, refused
from libs.shared.delivery import rest as parked_rest
from libs.shared.hosting.adapters import adapter
from libs.shared.hosting.admin import ADMIN, NO_PASSWORD
from libs.shared.hosting.clusters import HOST, demo
from libs.shared.hosting.keys import service_key
from libs.shared.hosting.listening import door, served
from libs.shared.hosting.loops import Tail, follows, listening, source_of, telling
from libs.shared.hosting.shared import Shared
from libs.shared.hosting.tasks import Tasks
from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.calls import Calls
from libs.shared.http.client import Upstreams
from libs.shared.http.health import Check
from libs.shared.http.identity import Signer, Verifier
from libs.shared.http.limits import Limits
from libs.shared.http.server import application
from libs.shared.kinds import serve as kinds
from libs.shared.service import Host, Service
from libs.shared.store.lease import Lease
from libs.shared.store.protocol import Document, Store
from libs.shared.telemetry.make import telemetry_of

KIT: tuple[type[Document], ...] = (Lease, *parked.DOCUMENTS, *refused.DOCUMENTS)
"""What the kit itself keeps in a service's store."""
INNER = Limits(stall=3600)
"""Who reads slowly is a client of the gateway's, which bounds it by its own settings."""
SECONDS_TO_FINISH = 1.0
"""How long requests that run may take once the service is ending."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A service that stands."""

    service: Service
    host: Host
    parts: Any
    tasks: Tasks
    tail: Tail = field(default_factory=Tail)

    def listening(self) -> AbstractAsyncContextManager[None]:
        """Its consumer, follower and workers, run while the block does: begun once every service can be asked."""
        return self.tasks.running(listening(self.service, self.host, self.parts, self.tail))

    def checks(self) -> dict[str, Check]:
        """What the service rests on, each a check of `/readyz`."""
        checks: dict[str, Check] = {"store": self.host.store.ready, "events": self.host.events.ready}
        if follows(self.service):
            checks["followers"] = self.tail.ready
        if self.service.ready is not None:
            checks[self.service.name] = partial(self.service.ready, self.parts)
        return checks


@asynccontextmanager
async def _hosted(service: Service, shared: Shared) -> AsyncIterator[Host]:
    """What the service is handed: store, buses, telemetry, clock, folder."""
    own, suite = shared.own(service.name), shared.effective.suite
    password = shared.password if service.name == ADMIN else NO_PASSWORD
    with telemetry_of(
        service.name,
        otlp=suite.otlp.reveal() if suite.otlp else "",
        gathered=shared.spans,
        level=suite.log_level,
        pretty=suite.log_format == "pretty" or (suite.log_format == "auto" and shared.logs.isatty()),
        stream=shared.logs,
    ) as telemetry:
        events, records = [
            await shared.buses.get(channel, shared.setting(service.name, channel), own.addresses[channel])
            for channel in ("bus", "records")
        ]
        store = await _store(service, shared)
        upstreams = Upstreams(shared.upstreams(), standing=shared.coming.wait)
        if service.name == HOST:
            shared.clusters.wanted()
        try:
            yield Host(
                service=service.name,
                settings=own.settings,
                clock=shared.clock,
                ids=shared.ids,
                store=store,
                events=events,
                records=records,
                upstreams=upstreams,
                calls=_calls(service.name, own.place, shared, upstreams),
                cluster=shared.clusters.get(shared.setting(service.name, "cluster"), own.addresses["cluster"]),
                egress=shared.egress,
                telemetry=telemetry,
                failpoints=shared.failpoints,
                data=shared.folder.within(service.name),
                addresses=_foreign(own.addresses, shared.folder.path),
                loopback=suite.listen.loopback and (suite.tls_listen is None or suite.tls_listen.loopback),
                signer=_signer(service, shared),
                demo=demo(suite, own),
                admin_password=password.password,
                admin_password_made=password.made,
            )
        finally:
            await upstreams.close()
            await store.close()


async def _store(service: Service, shared: Shared) -> Store:
    own = shared.own(service.name)
    address, name = own.addresses["store"], shared.setting(service.name, "store")
    store: Store = await adapter("store", name, address)(
        _file(address, service.name, shared.folder.path, whole="store" in own.overridden),
        (*service.documents, *KIT),
        clock=shared.clock,
        ids=shared.ids,
        source=source_of(service.name),
        failpoints=shared.failpoints,
    )
    return store


def _file(address: Address, service: str, data: Path, *, whole: bool) -> Path:
    """The file of an embedded store: the address of one service alone names it, the suite's names the folder."""
    if address.path is not None and whole:
        return address.path
    return (address.path or data) / f"{service}.db"


def _foreign(addresses: Mapping[str, Address], data: Path) -> dict[str, str]:
    """Addresses as the service's clients read them; embedded ones with their place in the data folder."""
    embedded = {"outbox": data / "mail", "file": data / "blobs", "sandbox": data / "sandbox.db"}
    return {
        setting: f"{address.scheme}:{embedded[address.scheme]}"
        if address.scheme in embedded and not address.rest
        else address.reveal()
        for setting, address in addresses.items()
    }


def _signer(service: Service, shared: Shared) -> Signer | None:
    """For the service that faces clients alone."""
    if service.public is None or shared.signing is None:
        return None
    return Signer(shared.signing, shared.clock, shared.ids)


def _calls(service: str, place: Place, shared: Shared, upstreams: Upstreams) -> Calls:
    """In the service's own name. A given key is read at once, since it may be wrong; else one is made for the first
    call.
    """

    def signer(key: Ed25519PrivateKey) -> Signer:
        return Signer(key, shared.clock, shared.ids, service)

    if place.key:
        return Calls(partial(signer, service_key(service, place.key.reveal(), shared.folder)), upstreams)
    return Calls(lambda: signer(service_key(service, "", shared.folder)), upstreams)


@asynccontextmanager
async def service_opened(service: Service, shared: Shared) -> AsyncIterator[Opened]:
    """A service that can be asked, and tells what it commits; it listens to nothing yet."""
    async with _hosted(service, shared) as host, service.open(host) as parts:
        tasks = Tasks(host.telemetry, host.clock)
        stand = Opened(service, host, parts, tasks)
        async with tasks.running(telling(service, host, shared.heard)), _answering(stand, shared):
            yield stand


@asynccontextmanager
async def _answering(stand: Opened, shared: Shared) -> AsyncIterator[None]:
    """The service's HTTP, for the gateway and the other services."""
    service, host = stand.service, stand.host
    app = application(
        (*service.routes, *kinds.routes(service.kinds), *parked_rest.ROUTES),
        stand.parts,
        verifier=Verifier(shared.verifying, service.name, host.clock, services=shared.callers),
        telemetry=host.telemetry,
        clock=host.clock,
        checks=stand.checks(),
        groups=service.groups,
    )
    app[UPSTREAMS] = host.upstreams
    app[parked_rest.DESK] = parked_rest.Desk(service.name, host.store, host.clock)
    name = f"ORRERY_{service.name}_LISTEN".upper()
    endpoint = shared.endpoint(service.name, shared.own(service.name).place)
    async with served(app, SECONDS_TO_FINISH, limits=INNER) as crowd, door(crowd, endpoint, name):
        yield
