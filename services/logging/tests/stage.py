"""What tests stand the service on: a real index and store, the real bus, its routes over HTTP, a gateway's answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from libs.shared.bus.embedded import open_bus
from libs.shared.errors import Fault
from libs.shared.failpoints import Failpoints
from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.client import Upstreams
from libs.shared.http.faults import answer, dialect_of
from libs.shared.http.identity import IDENTITY, Identity
from libs.shared.http.reading import ROUTE
from libs.shared.http.route import Route
from libs.shared.kube.watch import Change, What
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import SystemClock, time_ordered_id
from services.logging import commands, rest
from services.logging.clients.index.index import Index
from services.logging.domain.read import Read
from services.logging.domain.space import Space
from services.logging.domain.workspace import Founded
from services.logging.parts import Keeping, Parts, Sources
from services.logging.parts.journal import Journal
from services.logging.parts.spaces import Spaces
from services.logging.settings import LoggingSettings

Client = TestClient[web.Request, web.Application]
T2 = "/kapis/tenant.kubesphere.io/v1alpha2"
ES = "/kapis/logging.orrery.io/v1/es"


class Clusters:
    """A cluster that tells what it is fed: changes by path, and lines of logs by path and container."""

    def __init__(self) -> None:
        self.changes: dict[str, asyncio.Queue[Change]] = {}
        self.logs: dict[tuple[str, str], list[bytes | Fault]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def feed(self, path: str, type_: What, **item: Any) -> None:
        """Tell a change."""
        self.changes.setdefault(path, asyncio.Queue()).put_nowait(Change(type_, item))

    async def watch(self, path: str, /, **_: Any) -> AsyncGenerator[Change, None]:
        """What was fed, for ever."""
        queue = self.changes.setdefault(path, asyncio.Queue())
        while True:
            yield await queue.get()

    async def lines(self, path: str, /, **query: Any) -> AsyncGenerator[bytes, None]:
        """The lines of a log from `sinceTime` on; a fault among them is raised once."""
        self.asked.append((path, query))
        told = self.logs.get((path, query["container"]), [])
        for one in list(told):
            if isinstance(one, Fault):
                told.remove(one)
                raise one
            if not query.get("sinceTime") or one.decode()[:19] >= query["sinceTime"][:19]:
                yield one


@asynccontextmanager
async def opened(folder: Path, cluster: Clusters | None = None, **settings: object) -> AsyncIterator[Parts]:
    """The service's parts on this folder, commits running; opened again, they find what was kept."""
    chosen = LoggingSettings.model_validate(settings)
    bus = await open_bus(folder / "records.db", clock=SystemClock(), failpoints=Failpoints())
    store = await open_store(
        folder / "logging.db",
        (Founded, Read),
        clock=SystemClock(),
        ids=time_ordered_id,
        source="orrery/logging",
        failpoints=Failpoints(),
    )
    index = Index(
        folder / "index", SystemClock(), most_days=chosen.most_days, seconds=chosen.query_seconds, linger=0.01
    )
    committing = asyncio.create_task(index.run())
    try:
        yield Parts(
            store=store,
            clock=SystemClock(),
            settings=chosen,
            keeping=Keeping(index, index),
            sources=Sources(cluster or Clusters(), bus, time_ordered_id),
            spaces=Spaces(),
            journal=Journal(silent("logging")),
        )
    finally:
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)
        await index.close()
        await store.close()
        await bus.close()


async def placed(parts: Parts, spaces: Mapping[str, str], since: int = 0) -> None:
    """These namespaces stand in these workspaces, since this moment; the workspaces are there as well."""
    for name, workspace in spaces.items():
        parts.spaces.keep(Space(name, workspace, since))
    for workspace in {name for name in spaces.values() if name}:
        await parts.store.transact(commands.note_founded, workspace, uid=uid_of(since))


def uid_of(ms: int) -> str:
    """A UUID of version 7 that was made in this millisecond."""
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7000-8000-000000000000"


@dataclass(frozen=True)
class Person:
    """Somebody as the gateway knows him."""

    everything: bool = False
    namespaces: Sequence[str] = ()
    workspaces: Sequence[str] = ()
    may: Sequence[str] = ()
    """Namespaces and workspaces in which he may read."""


@dataclass
class Gateway:
    """Answers reviews of whoever calls; `down` makes it fail."""

    people: dict[str, Person]
    down: bool = False
    asked: list[Any] = field(default_factory=list)

    async def review(self, request: web.Request) -> web.Response:
        """`may`, by the names alone."""
        if self.down:
            return web.Response(status=503)
        person, body = self.people[request.headers["Orrery-Identity"]], await request.json()
        self.asked.append(body)
        return web.json_response({"may": [(one["namespace"] or one["workspace"]) in person.may for one in body["may"]]})


ADMIN = Person(everything=True)


@asynccontextmanager
async def serving(parts: Parts, **people: Person) -> AsyncIterator[tuple[Client, Gateway]]:
    """The routes, with faults in their dialect; callers go by the header `Orrery-Identity`, admin unless given."""
    gateway = Gateway({"admin": ADMIN, **people})
    reviews = web.Application()
    reviews.router.add_post("/internal/gateway/v1/reviews", gateway.review)

    @web.middleware
    async def identified(request: web.Request, handler: Any) -> web.StreamResponse:
        name = request.headers.get("Orrery-Identity", "admin")
        person = gateway.people[name]
        answers = {
            "everything": person.everything,
            "namespaces": list(person.namespaces),
            "workspaces": list(person.workspaces),
        }
        request[IDENTITY] = Identity(user=name, groups=(), issued=VirtualClock()(), session="", answers=answers)
        try:
            response: web.StreamResponse = await handler(request)
        except Fault as fault:
            return answer(fault, dialect_of(request.path), {})
        return response

    app = web.Application(middlewares=[identified], client_max_size=32 << 20)
    async with TestServer(reviews) as server:
        app[UPSTREAMS] = Upstreams({"gateway": str(server.make_url("/")).rstrip("/")})
        for route in rest.ROUTES:
            app.router.add_route(route.method, route.path, handling(route, parts))
        own = TestServer(app)
        await own.start_server(auto_decompress=False)
        async with TestClient(own) as client:
            yield client, gateway
        await app[UPSTREAMS].close()


def handling(route: Route, parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler with its parts."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        return await route.handler(request, parts)

    return handle


def line(text: str, namespace: str = "shop", *, at: str = "2031-05-06T08:00:00.000Z", **other: str) -> dict[str, Any]:
    """A document as Fluent Bit writes it."""
    about = {
        "namespace_name": namespace,
        "pod_name": "cart-6f9c7b58d4-x2kqz",
        "container_name": "web",
        "docker_id": "d",
    }
    return {"@timestamp": at, "time": at, "log": text, "kubernetes": {**about, **other}}


def bulk(*documents: Mapping[str, Any], index: str = "ks-logstash-log-2031.05.06", action: str = "index") -> bytes:
    """The body of a bulk request; a document's `_id` goes into its action."""
    lines = []
    for document in documents:
        about = {"_index": index} | ({"_id": document["_id"]} if "_id" in document else {})
        lines += [{action: about}, {key: value for key, value in document.items() if key != "_id"}]
    return b"".join(orjson.dumps(one) + b"\n" for one in lines)


async def send(client: Client, *documents: Mapping[str, Any], **options: str) -> Any:
    """Keep these documents; the answer."""
    async with client.post(f"{ES}/_bulk", data=bulk(*documents, **options)) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def ask(client: Client, path: str, who: str = "admin") -> Any:
    """The answer to a query of the tenant's routes."""
    async with client.get(T2 + path, headers={"Orrery-Identity": who}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def logs(client: Client, query: str, who: str = "admin") -> list[str]:
    """The texts of the lines that are found."""
    found = (await ask(client, f"/logs?{query}", who))["query"]
    return [record["log"] for record in found.get("records", [])]
