"""What tests stand the service on: a real store, the real bus, the virtual clock, its routes over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from libs.shared.bell import Bell
from libs.shared.bus.embedded import open_bus
from libs.shared.bus.protocol import Bus
from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.errors import Fault, Limited
from libs.shared.event import Envelope, Event
from libs.shared.failpoints import Failpoints
from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import IDENTITY, Identity
from libs.shared.http.reading import ROUTE
from libs.shared.http.route import Route
from libs.shared.sealing import sealer_of
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Clock, time_ordered_id
from services.events import rest
from services.events.domain.delivery import Delivery
from services.events.domain.entry import Cursor, Entry, Floor, Swept
from services.events.domain.sight import Viewer
from services.events.domain.subscription import Removed, Subscription
from services.events.parts import Parts
from services.events.parts.desk import Bells, Desk
from services.events.parts.feed import Feed
from services.events.parts.journal import Journal
from services.events.queries import log as queries
from services.events.settings import EventsSettings
from services.events.shapes import log as shapes
from services.events.workers import log as workers

Client = TestClient[web.Request, web.Application]
PATH = "/kapis/events.orrery.io/v1/events"


DOCUMENTS = (Entry, Cursor, Floor, Swept, Subscription, Removed, Delivery)


@dataclass
class Seen:
    """What absent users see: everything, unless a test says otherwise."""

    viewers: dict[str, Viewer | None] = field(default_factory=dict)
    fault: Fault | None = None

    async def of(self, user: str) -> Viewer | None:
        """As the gateway would answer now."""
        if self.fault is not None:
            raise self.fault
        since = VirtualClock()()
        return self.viewers.get(user, Viewer(user, frozenset(), "", since, everything=True, workspaces=frozenset()))


@asynccontextmanager
async def opened(
    folder: Path,
    bus: Bus | None = None,
    *,
    clock: Clock | None = None,
    seen: Seen | None = None,
    allowed: Sequence[str] = ("127.0.0.1",),
    **settings: object,
) -> AsyncIterator[Parts]:
    """The service's parts on this folder; opened again, they find what was kept. The bus is its own unless given."""
    clock = clock or VirtualClock()
    own = await open_bus(folder / "bus.db", clock=clock, failpoints=Failpoints()) if bus is None else None
    store = await open_store(
        folder / "events.db",
        DOCUMENTS,
        clock=clock,
        ids=time_ordered_id,
        source="orrery/events",
        failpoints=Failpoints(),
    )
    chosen = EventsSettings.model_validate(settings)
    feed = Feed(shapes.frame, (await queries.log_cursor(store)).position, chosen.depth, Bell(clock))
    given = own or bus
    assert given is not None
    try:
        desk = Desk(Egress(Allow.parsed(allowed)), seen or Seen(), sealer_of(folder), Bells(clock))
        yield Parts(store, given, clock, chosen, feed, Journal(silent("events")), desk)
    finally:
        feed.close()
        await store.close()
        if own is not None:
            await own.close()


NUMBERS = count(1)


def envelope(event: Event, subject: str, workspace: str = "", *, at: datetime | None = None) -> Envelope:
    """The event as accounts' relay would publish it, some time after the tests' clock began."""
    number = next(NUMBERS)
    return Envelope(
        id=f"event-{number}",
        type=event.full_type(),
        source="orrery/accounts",
        subject=subject,
        time=at or VirtualClock()() + timedelta(seconds=10),
        data=event.model_dump_json(),
        sequence=number,
        workspace=workspace,
        actor="admin",
        correlationid="chain",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


async def tell(parts: Parts, *envelopes: Envelope) -> None:
    """Publish, and return when the log holds them."""
    before = (await queries.log_cursor(parts.store)).position
    await parts.bus.publish(envelopes)
    await until(lambda: reaches(parts, before + len(envelopes)))


async def reaches(parts: Parts, position: int) -> bool:
    """Whether the log is as long as that."""
    return (await queries.log_cursor(parts.store)).position >= position


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that real input and output brings about."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  # nothing in reach tells
            await asyncio.sleep(0.003)


@asynccontextmanager
async def working(parts: Parts, *runs: Callable[[Parts], Awaitable[None]]) -> AsyncIterator[None]:
    """The service's workers run while the block does; one that fails fails the test."""
    tasks = [asyncio.ensure_future(run(parts)) for run in runs or (workers.mirror, workers.pump, workers.beat)]
    try:
        yield
    finally:
        failed = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert failed == []


def identity(
    user: str,
    *workspaces: str,
    everything: bool = False,
    groups: Sequence[str] = ("system:authenticated",),
    session: str = "",
    issued: datetime | None = None,
) -> Identity:
    """A caller as the gateway would sign him."""
    return Identity(
        user=user,
        groups=tuple(groups),
        issued=issued or VirtualClock()(),
        session=session,
        answers={"events.all": everything, "workspaces": list(workspaces)},
    )


ADMIN = identity("admin", everything=True)


@dataclass
class Callers:
    """Who calls under which name in the header `Caller`."""

    known: dict[str, Identity] = field(default_factory=lambda: {"admin": ADMIN})


@asynccontextmanager
async def serving(parts: Parts, callers: Callers, gateway: str = "") -> AsyncIterator[Client]:
    """The routes alone: faults are answered with their slug, as wording them is the kit's work."""

    @web.middleware
    async def identified(request: web.Request, handler: Any) -> web.StreamResponse:
        request[IDENTITY] = callers.known[request.headers.get("Caller", "admin")]
        try:
            response: web.StreamResponse = await handler(request)
        except Fault as fault:
            return web.Response(text=fault.slug, status=429 if isinstance(fault, Limited) else 400)
        return response

    app = web.Application(middlewares=[identified])
    app[UPSTREAMS] = Upstreams({"gateway": gateway})
    for route in rest.ROUTES:
        app.router.add_route(route.method, route.path, handling(route, parts))
    async with TestClient(TestServer(app)) as client:
        yield client
        parts.feed.close()
    await app[UPSTREAMS].close()


def handling(route: Route, parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler with its parts."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        return await route.handler(request, parts)

    return handle


@dataclass
class Told:
    """One server-sent event as a browser would see it."""

    id: str = ""
    event: str = ""
    data: Any = None
    comment: bool = False


class Reader:
    """Reads a stream event by event."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self) -> Told | None:
        """The next event or comment; None at the end."""
        told = Told()
        async with asyncio.timeout(5):
            while line := await self.response.content.readline():
                name, _, value = line.decode().rstrip("\n").partition(":")
                value = value.removeprefix(" ")
                if line == b"\n" and told != Told():
                    return told
                if line.startswith(b":"):
                    told.comment = True
                elif name == "data":
                    told.data = orjson.loads(value)
                elif name in ("id", "event"):
                    setattr(told, name, value)
        return None

    async def names(self, number: int) -> list[str]:
        """The names of the next events."""
        return [told.event if (told := await self.next()) else "" for _ in range(number)]


@asynccontextmanager
async def following(client: Client, caller: str = "admin", query: str = "", **headers: str) -> AsyncIterator[Reader]:
    """An open stream, past its greeting."""
    async with client.get(f"{PATH}?follow=true{query}", headers={"Caller": caller, **headers}) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert await response.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        yield Reader(response)
