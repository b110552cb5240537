"""The app store's own HTTP application on a real store, asked as the gateway asks it: signed, with its answers."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from libs.sandbox.server import open_sandbox
from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.errors import Exists
from libs.shared.event import CAUSE, Cause, Envelope, Event
from libs.shared.failpoints import Failpoints
from libs.shared.http.calls import Calls
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import HEADER, Identity, Signed, Signer, Verifier
from libs.shared.http.server import application
from libs.shared.kube.client import Kube
from libs.shared.kube.connection import BEARER, Connection, Fixed, Trust
from libs.shared.sealing import sealer_of
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret, SystemClock, time_ordered_id
from services.openpitrix.app import DOCUMENTS, SERVICE
from services.openpitrix.clients.authority import RELEASES, Authority
from services.openpitrix.clients.blobs import Blobs
from services.openpitrix.clients.charts import Charts
from services.openpitrix.clients.helm import Helm
from services.openpitrix.clients.objects import WORKSPACE, Objects
from services.openpitrix.parts import Parts
from services.openpitrix.parts.desk import Bells, Desk, Site
from services.openpitrix.parts.journal import Journal
from services.openpitrix.parts.packages import Packages
from services.openpitrix.reactions import REACTIONS
from services.openpitrix.settings import OpenpitrixSettings

Reaction = Callable[[Unit, Event], Awaitable[None]]
V1 = "/kapis/openpitrix.io/v1"
ROOT: Mapping[str, Any] = {"store.all": True, "store.workspaces": []}
NONE: Mapping[str, Any] = {"store.all": False, "store.workspaces": []}


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
class Rights:
    """Stands in for the gateway's word about absent users: who may have releases, may do everything, or is gone."""

    refused: set[str] = field(default_factory=set)
    everything: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    down: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        """As the gateway's internal route does."""
        asked = await request.json()
        user = asked["user"]
        if self.down:
            return web.json_response({}, status=503)
        if user in self.gone:
            return web.json_response({"slug": "no-user", "detail": "no account"}, status=404)
        return web.json_response({"may": [user not in self.refused, user in self.everything], "mine": [], "holds": []})


@dataclass
class Stage:
    """Parts on a real store, and who asks."""

    parts: Parts
    clock: VirtualClock
    session: aiohttp.ClientSession
    url: str
    signer: Signer
    cluster: Kube
    rights: Rights
    answers: dict[str, Mapping[str, Any]] = field(default_factory=lambda: {"admin": ROOT})

    async def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        who: str = "admin",
        raw: bytes | None = None,
        media: str = "",
    ) -> Answer:
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        identity = Identity(who, (), self.clock(), answers=self.answers.get(who, NONE))
        headers = {HEADER: self.signer.sign(Signed("openpitrix", method, target), identity)}
        if data is not None:
            headers["Content-Type"] = media or "application/json"
        url, sent = URL(self.url + target, encoded=True), io.BytesIO(data) if data else data
        async with self.session.request(method, url, data=sent, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, await answer.text(), dict(answer.headers))

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

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With the service's loops."""
        tasks = [asyncio.ensure_future(worker.run(self.parts)) for worker in SERVICE.workers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, target: str, holds: Any, *, who: str = "admin", seconds: float = 10) -> Any:
        """Ask until the answer's JSON holds."""
        for _ in range(int(seconds / 0.02)):
            answer = await self("GET", target, who=who)
            if answer.status == 200 and holds(answer.json):
                return answer.json
            await asyncio.sleep(0.02)
        raise AssertionError(f"{target}: {answer.status} {answer.text[:500]}")

    async def repo(self, url: str, *, workspace: str = "ws1", name: str = "charts") -> str:
        """Add a repository, and wait until it is read; its id."""
        place = f"{V1}/workspaces/{workspace}" if workspace else V1
        made = await self("POST", f"{place}/repos", {"name": name, "url": url})
        assert made.status == 200, made
        found: str = made.json["repo_id"]
        await self.until(f"{place}/repos/{found}", lambda one: one["status"] != "syncing")
        return found


NAMESPACE = "project"


@asynccontextmanager
async def sandboxed(folder: Path) -> AsyncIterator[Kube]:
    """A sandbox cluster with a project of `ws1`, as the cluster service sets one up, and one of `ws2`."""
    async with open_sandbox(folder, clock=SystemClock(), ids=time_ordered_id) as sandbox:
        connection = Connection(sandbox.url, Secret(f"{BEARER}{sandbox.token}"), Trust(ca_data=sandbox.ca))
        kube = Kube.at(Fixed(connection), SystemClock())
        try:
            await project(kube, NAMESPACE, "ws1")
            await project(kube, "other", "ws2")
            yield kube
        finally:
            await kube.close()


async def project(kube: Kube, name: str, workspace: str) -> None:
    """A namespace of a workspace, where releases may do what `edit` says. One that stands is left."""
    try:
        await kube.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": {WORKSPACE: workspace}}})
    except Exists:
        return
    await kube.create(
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}/rolebindings",
        {
            "metadata": {"name": "orrery-releases"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": RELEASES + name}],
        },
    )


NOWHERE = Kube.at(Fixed(Connection("http://127.0.0.1:9")), SystemClock())
"""No cluster at all."""


@asynccontextmanager
async def staged(
    folder: Path, *, cluster: Kube = NOWHERE, allow: tuple[str, ...] = ("127.0.0.1",), **settings: object
) -> AsyncIterator[Stage]:
    """The application on this folder; opened again, it finds what was kept."""
    clock, key, rights, front = VirtualClock(), Ed25519PrivateKey.generate(), Rights(), web.Application()
    front.router.add_post("/internal/gateway/v1/sights", rights.answer)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(TestServer(front))
        upstreams = Upstreams({"gateway": str(gateway.make_url("/")).rstrip("/")})
        stack.push_async_callback(upstreams.close)
        parts = await _parts(folder, clock, settings, allow)
        stack.push_async_callback(parts.store.close)
        calls = Calls(lambda: Signer(key, clock, time_ordered_id, "openpitrix"), upstreams)
        helm = Helm(folder / "helm", time_ordered_id, parts.settings.releases_at_once)
        parts = replace(parts, site=Site(helm, Authority(calls, cluster), Objects(cluster)))
        app = application(
            SERVICE.routes,
            parts,
            verifier=Verifier(key.public_key(), "openpitrix", clock),
            telemetry=silent("openpitrix"),
            clock=clock,
            checks={},
            groups=SERVICE.groups,
        )
        server = await stack.enter_async_context(TestServer(app))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        address = str(server.make_url("/")).rstrip("/")
        yield Stage(parts, clock, session, address, Signer(key, clock, time_ordered_id), cluster, rights)


async def _parts(folder: Path, clock: VirtualClock, settings: Mapping[str, object], allow: tuple[str, ...]) -> Parts:
    store = await open_store(
        folder / "openpitrix.db",
        DOCUMENTS,
        clock=clock,
        ids=time_ordered_id,
        source="orrery/openpitrix",
        failpoints=Failpoints(),
    )
    own, sealer, blobs = (
        OpenpitrixSettings.model_validate(settings),
        sealer_of(folder / "keys"),
        Blobs(folder / "blobs"),
    )
    charts = Charts(Egress(Allow.parsed(allow)), own)
    return Parts(
        store=store,
        clock=clock,
        settings=own,
        desk=Desk(charts, blobs, Packages(store, charts, blobs, sealer, own), sealer, time_ordered_id, Bells(clock)),
        site=cast("Site", None),
        journal=Journal(silent("openpitrix")),
        failpoints=Failpoints(),
    )
