"""Accounts' own HTTP application over a real socket, asked as the gateway asks it: signed, with its answers."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yarl import URL

from libs.shared.http.answers import UPSTREAMS
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import GATEWAY, HEADER, Identity, Signed, Signer, Verifier
from libs.shared.http.server import application
from libs.shared.kinds.serve import routes
from libs.shared.telemetry.make import silent
from services.accounts.app import SERVICE
from services.accounts.tests.stage import Stage

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
USERS = IAM + "/users"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha3"
RAW = "/apis/iam.kubesphere.io/v1alpha2"
GRANTED = (
    "manages_users",
    "reads_users",
    "deletes_users",
    "sets_passwords",
    "everything",
    "changes_workspaces",
    "removes_workspaces",
    "lists_workspaces",
    "manages_clusters",
)
ADMIN: Mapping[str, Any] = {**dict.fromkeys(GRANTED, True), "mine": []}
"""The gateway's answers for a platform administrator."""
CLIENT: Mapping[str, str] = {"client_id": "kubesphere", "client_secret": "kubesphere"}


@dataclass(frozen=True)
class Answer:
    """An answer as tests look at it."""

    status: int
    type: str
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)


@dataclass
class Reviews:
    """Stands in for the gateway's internal route: says what the test says, and keeps what it was asked."""

    holds: bool = False
    asked: list[Any] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        found = await request.json()
        self.asked.append(found)
        return web.json_response({"may": [], "mine": [], "holds": [self.holds for _ in found.get("holds", ())]})


@dataclass
class Asked:
    """Somebody who asks: his name, and the gateway's answers about him."""

    session: aiohttp.ClientSession
    url: str
    signer: Signer
    stage: Stage
    answers: dict[str, Mapping[str, Any]] = field(default_factory=lambda: {"admin": ADMIN})
    sessions: dict[str, str] = field(default_factory=dict)
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
        extra: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Answer:
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        identity = Identity(
            who,
            (),
            self.stage.clock(),
            session=self.sessions.get(who, ""),
            extra=extra or {},
            source_ip="10.1.2.3",
            user_agent="curl/8",
            answers=self.answers.get(who, {"lists_workspaces": False, "mine": []}),
        )
        headers = {HEADER: self.signer.sign(Signed("accounts", method, target), identity)}
        if data is not None:
            headers["Content-Type"] = media
        url, sent = URL(self.url + target, encoded=True), io.BytesIO(data) if data else data
        async with self.session.request(method, url, data=sent, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, answer.content_type, await answer.text(), dict(answer.headers))

    async def form(self, who: str = "system:anonymous", **fields: str) -> Answer:
        """A form to the token endpoint."""
        raw = "&".join(f"{key}={value}" for key, value in {**CLIENT, **fields}.items()).encode()
        return await self("POST", "/oauth/token", raw=raw, media="application/x-www-form-urlencoded", who=who)

    async def gateway(self, method: str, target: str, body: Any = None) -> Answer:
        """As the gateway itself."""
        return await self(method, target, body, who=GATEWAY)


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[Asked]:
    """The application, and a stand-in for the gateway's reviews that says what the test says."""
    key = Ed25519PrivateKey.generate()
    app = application(
        (*SERVICE.routes, *routes(SERVICE.kinds)),
        stage.parts,
        verifier=Verifier(key.public_key(), "accounts", stage.clock),
        telemetry=silent("accounts"),
        clock=stage.clock,
        checks={},
        groups=SERVICE.groups,
    )
    reviews, front = Reviews(), web.Application()
    front.router.add_post("/internal/gateway/v1/reviews", reviews.answer)
    async with TestServer(front) as gateway:
        upstreams = Upstreams({"gateway": str(gateway.make_url("/")).rstrip("/")})
        app[UPSTREAMS] = upstreams
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            yield Asked(
                session,
                str(server.make_url("/")).rstrip("/"),
                Signer(key, stage.clock, stage.parts.ids),
                stage,
                reviews=reviews,
            )
        await upstreams.close()
