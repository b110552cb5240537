"""What the services of one process share: settings, folder, keys, buses; nothing of it is global."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.shared.bus.protocol import Bus
from libs.shared.config import Address, Endpoint
from libs.shared.config.reader import Effective, Own
from libs.shared.config.suite import Place
from libs.shared.egress.client import Egress
from libs.shared.errors import Busy
from libs.shared.failpoints import Failpoints
from libs.shared.hosting.adapters import adapter
from libs.shared.hosting.admin import FirstPassword
from libs.shared.hosting.clusters import Clusters
from libs.shared.hosting.folder import Folder
from libs.shared.hosting.keys import ServiceKeys
from libs.shared.telemetry.gathered import Gathered
from libs.shared.values import Clock, Ids

SECONDS_TO_STAND = 10.0
"""How long a request waits for a service that is being opened."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Handed to every opening of a service."""

    effective: Effective
    folder: Folder
    clock: Clock
    ids: Ids
    failpoints: Failpoints
    buses: Buses
    password: FirstPassword
    signing: Ed25519PrivateKey | None
    """Only where the gateway is among the services."""
    verifying: Ed25519PublicKey
    logs: TextIO
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once every follower's tail stands: when relays begin to tell."""
    clusters: Clusters = field(kw_only=True)
    callers: ServiceKeys = field(kw_only=True)
    """Public keys of the services that ask in their own names."""
    egress: Egress = field(kw_only=True)
    spans: Gathered | None = None
    """What was traced, where some service keeps the suite's own traces."""
    coming: Coming = field(default_factory=lambda: Coming({}))
    """The services of this process that are opened once clients have been let in."""

    def own(self, service: str) -> Own:
        """A service's settings, place and addresses."""
        return self.effective.services[service]

    def setting(self, service: str, field: str) -> str:
        """The setting that says what holds for this service: its own, or the suite's."""
        owner = f"{service}_" if field in self.own(service).overridden else ""
        return f"ORRERY_{owner}{field}".upper()

    def endpoint(self, service: str, place: Place) -> Endpoint:
        """Where a service listens for the others: the given place, or its socket in the data folder."""
        return place.listen or Endpoint(socket=self.folder.socket(service))

    def upstreams(self) -> dict[str, str]:
        """Where each service is for the others, as `http://host:port` or `unix:path`."""
        places = {name: own.place for name, own in self.effective.services.items()} | dict(self.effective.elsewhere)
        return {name: self._upstream(name, place) for name, place in places.items()}

    def _upstream(self, service: str, place: Place) -> str:
        if place.url is not None:
            return place.url.reveal()
        endpoint = self.endpoint(service, place)
        return str(endpoint) if endpoint.socket is not None else f"http://{endpoint}"


@dataclass(frozen=True, slots=True)
class Coming:
    """Services that are about to stand, each with what is set when it does."""

    events: Mapping[str, asyncio.Event]

    @classmethod
    def of(cls, names: Iterable[str]) -> Coming:
        """None of these stands yet."""
        return cls({name: asyncio.Event() for name in names})

    def stands(self, name: str) -> None:
        """It can be asked from now on."""
        self.events[name].set()

    async def wait(self, name: str) -> None:
        """Return when the service can be asked, as far as this process knows; raises `Busy` when it takes too long."""
        event = self.events.get(name)
        if event is None or event.is_set():
            return
        try:
            await asyncio.wait_for(event.wait(), SECONDS_TO_STAND)
        except TimeoutError:
            raise Busy("service-opening", f"{name} is being opened; try again", retry_after=1) from None


@dataclass(slots=True)
class Buses:
    """Each bus is opened once a process and channel, however many services use it."""

    folder: Folder
    clock: Clock
    failpoints: Failpoints
    stack: AsyncExitStack
    _open: dict[tuple[str, str], asyncio.Task[Bus]] = field(default_factory=dict)

    async def get(self, channel: str, name: str, address: Address) -> Bus:
        """The bus of a channel (`bus` or `records`); `name` is the setting that gave the address."""
        key = (channel, address.reveal())
        if key not in self._open:
            self._open[key] = asyncio.create_task(self._opened(channel, name, address), name=f"open {name}")
        return await asyncio.shield(self._open[key])

    async def _opened(self, channel: str, name: str, address: Address) -> Bus:
        bus: Bus = await adapter(channel, name, address)(
            self.place(channel, address), clock=self.clock, failpoints=self.failpoints
        )
        self.stack.push_async_callback(bus.close)
        return bus

    def place(self, channel: str, address: Address) -> Path:
        """The file of an embedded bus."""
        return (address.path or self.folder.path) / f"{channel}.log"
