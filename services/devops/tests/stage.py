"""Devops' own HTTP application on a real store, asked as the gateway asks it: signed, with its answers."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.event import CAUSE, Cause, Envelope, Event
from libs.shared.failpoints import Failpoints
from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import GATEWAY, HEADER, Identity, Signed, Signer, Verifier
from libs.shared.http.server import application
from libs.shared.kinds.serve import routes
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id
from services.devops.app import DOCUMENTS, SERVICE, load_seeds, works_of
from services.devops.parts import Parts
from services.devops.reactions import REACTIONS
from services.devops.settings import DevopsSettings
from services.devops.workers import sweep

P = ParamSpec("P")
R = TypeVar("R")
Reaction = Callable[[Unit, Event], Awaitable[None]]
V3 = "/kapis/devops.kubesphere.io/v1alpha3"
IAM = "/kapis/iam.kubesphere.io/v1alpha2"


@dataclass(frozen=True)
class Answer:
    """An answer as tests look at it."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)


@dataclass
class Reviews:
    """Stands in for the gateway's internal route: says what the test says."""

    holds: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        found = await request.json()
        return web.json_response({"may": [], "mine": [], "holds": [self.holds for _ in found.get("holds", ())]})


@dataclass
class Stage:
    """Parts on a real store, and who asks."""

    parts: Parts
    clock: VirtualClock
    session: aiohttp.ClientSession
    url: str
    signer: Signer
    reviews: Reviews
    answers: dict[str, Mapping[str, Any]] = field(default_factory=lambda: {"admin": {"devops.list": True}})

    async def __call__(
        self, method: str, target: str, body: Any = None, *, who: str = "admin", raw: bytes | None = None
    ) -> Answer:
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        answers = self.answers.get(who, {"devops.list": False})
        identity = Identity(who, (), self.clock(), answers=answers)
        headers = {HEADER: self.signer.sign(Signed("devops", method, target), identity)}
        if data is not None:
            headers["Content-Type"] = "application/json"
        url, sent = URL(self.url + target, encoded=True), io.BytesIO(data) if data else data
        async with self.session.request(method, url, data=sent, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, await answer.text(), dict(answer.headers))

    async def gateway(self, target: str) -> list[Any]:
        """An NDJSON route, as the gateway reads it."""
        answer = await self("GET", target, who=GATEWAY)
        return [json.loads(line) for line in answer.text.splitlines()]

    async def do(self, work: Callable[Concatenate[Unit, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a command in a unit."""
        return await self.parts.store.transact(work, *args, **kwargs)

    async def hear(self, event: Event, name: str = "e1") -> None:
        """Deliver an event to its reaction, as the consumer does."""
        (reaction,) = [cast("Reaction", on.reaction) for on in REACTIONS if on.event is type(event)]

        async def once(unit: Unit) -> None:
            await reaction(unit, event)

        was = CAUSE.set(Cause("admin", "chain", name, ""))
        try:
            await self.parts.store.transact(once)
        finally:
            CAUSE.reset(was)

    async def told(self, *names: str) -> list[Envelope]:
        """Every event of these names so far, or all."""
        rows = await self.parts.store.outbox.waiting(100_000)
        return [row.envelope for row in rows if not names or row.envelope.name in names]

    async def swept(self) -> None:
        """Everything is swept that is left of what is gone, as the worker does; runs that go on are ended first."""
        async with asyncio.timeout(20):
            while await sweep.sweep_documents(self.parts) or self.parts.works.kept():
                self.parts.works.bell.ring()
                await sweep.sweep_files(self.parts)
                await asyncio.sleep(0.05)

    async def project(self, name: str = "works", *, workspace: str = "ws1", who: str = "admin") -> str:
        """A project's generated name."""
        made = await self("POST", f"{V3}/workspaces/{workspace}/devops", {"metadata": {"generateName": name}}, who=who)
        assert made.status == 200, made
        found: str = made.json["metadata"]["name"]
        return found


@asynccontextmanager
async def staged(folder: Path, **settings: object) -> AsyncIterator[Stage]:
    """The application on this folder; opened again, it finds what was kept."""
    clock, key = VirtualClock(), Ed25519PrivateKey.generate()
    store = await open_store(
        folder / "devops.db",
        DOCUMENTS,
        clock=clock,
        ids=time_ordered_id,
        source="orrery/devops",
        failpoints=Failpoints(),
    )
    own = DevopsSettings.model_validate(settings)
    works = works_of(
        own,
        folder / "devops",
        folder / "blobs",
        clock=clock,
        egress=Egress(Allow.parsed(["127.0.0.1"])),
        telemetry=silent("devops"),
        failpoints=Failpoints(),
        closed="",
    )
    parts = Parts(store, clock, time_ordered_id, own, load_seeds(), works)
    app = application(
        (*SERVICE.routes, *routes(SERVICE.kinds)),
        parts,
        verifier=Verifier(key.public_key(), "devops", clock),
        telemetry=silent("devops"),
        clock=clock,
        checks={},
        groups=SERVICE.groups,
    )
    reviews, front = Reviews(), web.Application()
    front.router.add_post("/internal/gateway/v1/reviews", reviews.answer)
    async with TestServer(front) as gateway:
        upstreams = Upstreams({"gateway": str(gateway.make_url("/")).rstrip("/")})
        app[UPSTREAMS] = upstreams
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            address = str(server.make_url("/")).rstrip("/")
            yield Stage(parts, clock, session, address, Signer(key, clock, time_ordered_id), reviews)
        await upstreams.close()
    await store.close()
