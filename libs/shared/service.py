"""What a service declares, and what it is handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from libs.shared.bus.protocol import Beat, Bus
from libs.shared.event import Envelope, Event
from libs.shared.failpoints import Failpoints
from libs.shared.http.route import Route
from libs.shared.store.protocol import Document, Store, Unit
from libs.shared.values import Clock, Ids, Secret

if TYPE_CHECKING:
    from libs.shared.egress.client import Egress
    from libs.shared.http.calls import Calls
    from libs.shared.http.client import Upstreams
    from libs.shared.http.identity import Signer
    from libs.shared.kinds.kind import Kind
    from libs.shared.kube.client import Kube
    from libs.shared.telemetry import Telemetry

E = TypeVar("E", bound=Event)
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class On(Generic[E]):
    """A reaction: handled once a service, with the inbox. It gets a unit and the event, so it cannot reach anything
    but its own store.
    """

    event: type[E]
    reaction: Callable[[Unit, E], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Follow(Generic[E]):
    """A follower: called in every process, for every event, without an inbox: read models in memory, streams, cut-offs.
    It gets the envelope besides, for its version.
    """

    event: type[E]
    follow: Callable[[E, Envelope, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Worker:
    """A loop that hosting owns: an error in it is logged, and it is started again with backoff.

    With `lease` it runs in one process at a time, under a lease of this name in the service's store.
    """

    name: str
    run: Callable[[Any], Awaitable[None]]
    lease: bool = True


@dataclass(frozen=True, slots=True)
class Host:
    """What a service is handed to open itself: everything that hosting made for it, nothing global."""

    service: str
    settings: Any
    """The service's own settings, of the model that it declares."""
    clock: Clock
    ids: Ids
    store: Store
    events: Bus
    records: Bus
    upstreams: Upstreams
    calls: Calls
    """Asks other services in this one's own name."""
    cluster: Kube
    """The cluster that the service's address names; it connects when it is first used."""
    egress: Egress
    """The only way to an address that a user named."""
    telemetry: Telemetry
    failpoints: Failpoints
    data: Path
    """The service's own folder for files (keys, mail), private to the user; made when first asked for."""
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Addresses of foreign systems by setting (`mail`, `cluster`, …)."""
    loopback: bool = True
    """Whether nobody but this machine reaches the gateway: what is for trying alone is offered only then."""
    signer: Signer | None = None
    """Signs callers' identities: the gateway's alone."""
    demo: bool = False
    """Whether the first start makes what there is to look at: a workspace, and workloads in a sandbox cluster."""
    admin_password: Secret | None = None
    """Password of the account `admin`, used at the first start only."""
    admin_password_made: bool = False
    """Whether it was made by the platform, so that its owner is asked for another when he first signs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service as data: what `--map` prints and what hosting opens."""

    name: str
    about: str
    settings: type[BaseModel]
    open: Callable[[Host], AbstractAsyncContextManager[Any]]
    """Gives the service's Parts."""
    documents: tuple[type[Document], ...] = ()
    publishes: tuple[type[Event], ...] = ()
    routes: tuple[Route, ...] = ()
    kinds: tuple[Kind[Any], ...] = ()
    reactions: tuple[On[Any], ...] = ()
    follows: tuple[Follow[Any], ...] = ()
    on_tail: Callable[[Any], Awaitable[None]] | None = None
    """Called with the Parts each time the followers' tail stands, before its first message is handed over: where a
    read model asks the owner for its snapshot."""
    on_beat: Callable[[Beat, Any], None] | None = None
    """Called for each beat of another service's relay."""
    ready: Callable[[Any], Awaitable[None]] | None = None
    """Called with the Parts: returns when the service can do its work; raises from the error tree saying what it waits
    for. Part of `/readyz`; clients are let in when every service of the process has become ready."""
    workers: tuple[Worker, ...] = ()
    public: Callable[[Any], web.Application] | None = None
    """Gives the application that faces clients, of the Parts: hosting serves it, without the identity that its own
    `routes` ask for, on ORRERY_LISTEN and ORRERY_TLS_LISTEN. The gateway's alone."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """API group of each resource that its faults name: `users` -> `iam.kubesphere.io`."""


@dataclass(frozen=True, slots=True)
class Later:
    """A service that is imported and opened once clients have been let in."""

    name: str
    load: Callable[[], Service]
    """Imports it; called in a thread."""
