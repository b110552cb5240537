"""The service's own HTTP application over a real socket, asked as the gateway asks it: signed, with its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import GATEWAY, HEADER, TOLD, Identity, Signed, Signer, Verifier
from libs.shared.http.server import application
from libs.shared.telemetry.make import silent
from libs.shared.values import SystemClock, time_ordered_id
from services.cluster.app import SERVICE
from services.cluster.tests.stage import ROLES, Stage

IAM = "/kapis/iam.kubesphere.io/v1alpha2/namespaces/p1"
MEMBERS = IAM + "/members"
PROJECT_ROLES = IAM + "/roles"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha2"
LISTS = "/kapis/resources.kubesphere.io/v1alpha3"
OLDER = "/kapis/resources.kubesphere.io/v1alpha2"
ADMIN: Mapping[str, Any] = {"everything": True, "namespaces.all": True, "namespaces.mine": []}
"""The gateway's answers for a platform administrator."""
NOBODY: Mapping[str, Any] = {"everything": False, "namespaces.all": False, "namespaces.mine": []}


@dataclass(frozen=True)
class Answer:
    """An answer as tests look at it."""

    status: int
    type: str
    text: str
    told: str

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)

    @property
    def names(self) -> list[str]:
        """Names of a list's items."""
        return [one["metadata"]["name"] for one in self.json["items"]]


@dataclass
class Reviews:
    """Stands in for the gateway's internal route: says yes to the verbs that the test names, and keeps what it was
    asked.
    """

    may: set[str] = field(default_factory=set)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Whether the verb is one of ours."""
        found = await request.json()
        self.asked += found.get("may", ())
        return web.json_response({"may": [one["verb"] in self.may for one in found.get("may", ())], "mine": []})


@dataclass
class Asked:
    """Somebody who asks: his name, and the gateway's answers about him."""

    session: aiohttp.ClientSession
    url: str
    signer: Signer
    stage: Stage
    answers: dict[str, Mapping[str, Any]] = field(default_factory=lambda: {"admin": ADMIN})
    reviews: Reviews = field(default_factory=Reviews)

    async def __call__(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        who: str = "admin",
        raw: bytes | None = None,
        media: str = "application/json",
    ) -> Answer:
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        identity = Identity(who, (), SystemClock()(), answers=self.answers.get(who, NOBODY))
        headers = {HEADER: self.signer.sign(Signed("cluster", method, target), identity)}
        if data is not None:
            headers["Content-Type"] = media
        url, sent = URL(self.url + target, encoded=True), BytesIO(data) if data else data
        async with self.session.request(method, url, data=sent, headers=headers) as answer:
            return Answer(answer.status, answer.content_type, await answer.text(), answer.headers.get(TOLD, ""))

    async def gateway(self, method: str, target: str, body: Any = None) -> Answer:
        """As the gateway itself."""
        return await self(method, target, body, who=GATEWAY)


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[Asked]:
    """The application, and a stand-in for the gateway's reviews."""
    key, clock = Ed25519PrivateKey.generate(), SystemClock()
    app = application(
        SERVICE.routes,
        stage.parts,
        verifier=Verifier(key.public_key(), "cluster", clock),
        telemetry=silent("cluster"),
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
            url = str(server.make_url("/")).rstrip("/")
            yield Asked(session, url, Signer(key, clock, time_ordered_id), stage, reviews=reviews)
        await upstreams.close()


async def furnished(stage: Stage) -> None:
    """Wait until the project p1 has its roles, and this process knows of them."""
    await stage.until_stands(f"{ROLES}/role-template-view-volumes", f"{ROLES}/viewer", f"{ROLES}/operator")
    await stage.until_told("ProjectRoleBound projects/p1")
    await stage.until(lambda: len(stage.parts.shelf.all("roles", "p1")) == len(stage.parts.work.roles))
