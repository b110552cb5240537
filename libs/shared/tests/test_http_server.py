"""The server's layers: identity, faults in their dialects, bounds, causes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Broken, Denied, Exists, Missing, Stale
from libs.shared.event import Told, current_cause
from libs.shared.http.identity import GATEWAY, HEADER, TOLD, Identity, Signed, Signer, Verifier, caller
from libs.shared.http.reading import lenient_object, strict
from libs.shared.http.route import Access, Route
from libs.shared.http.server import application
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
OURS = "/kapis/events.orrery.io/v1"
KEY = Ed25519PrivateKey.generate()


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


async def echo(request: web.Request, parts: Any) -> web.Response:
    return web.json_response({"user": caller(request).user, "body": await lenient_object(request)})


async def wish(request: web.Request, parts: Any) -> web.Response:
    return web.json_response({"name": (await strict(request, Wish)).name})


async def tell(request: web.Request, parts: Any) -> web.Response:
    current_cause().told.append(Told("UserCreated", "e1"))
    return web.json_response({"actor": current_cause().actor})


async def fail(request: web.Request, parts: Any) -> web.Response:
    raise parts[request.match_info["fault"]]


FAULTS = {
    "missing": Missing("user-missing", "there is no bob", resource="users", name="bob"),
    "exists": Exists("user-exists", "there is a bob", resource="users", name="bob"),
    "stale": Stale("user-stale", "bob was changed", resource="users", name="bob"),
    "denied": Denied("no", "<you> may not"),
    "broken": Broken("disk", "the disk is full"),
    "mistake": ZeroDivisionError("secret"),
}
ROUTES = (
    Route("POST", IAM + "/echo", echo, max_body=1000),
    Route("POST", OURS + "/wish", wish),
    Route("POST", IAM + "/tell", tell),
    Route("GET", IAM + "/fail/{fault}", fail),
    Route("GET", "/apis/iam.kubesphere.io/v1alpha2/fail/{fault}", fail),
    Route("GET", OURS + "/fail/{fault}", fail),
    Route("POST", "/internal/accounts/v1/tell", tell, access=Access.INTERNAL),
)


class Asking:
    """A client that signs as the gateway does."""

    def __init__(self, session: aiohttp.ClientSession, clock: VirtualClock) -> None:
        self.session, self.clock = session, clock
        self.signer = Signer(KEY, clock, time_ordered_id)

    def signed(self, method: str, target: str, user: str = "ann", audience: str = "accounts", digest: str = "") -> str:
        return self.signer.sign(Signed(audience, method, target, digest), Identity(user, (), self.clock()))

    async def __call__(
        self, method: str, target: str, data: bytes = b"{}", headers: dict[str, str] | None = None, **who: str
    ) -> tuple[int, str, str]:
        given = {"Content-Type": "application/json", HEADER: self.signed(method, target, **who), **(headers or {})}
        async with self.session.request(method, target, data=data, headers=given) as answer:
            return answer.status, answer.content_type, await answer.text()


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    clock = VirtualClock()
    app = application(
        ROUTES,
        FAULTS,
        verifier=Verifier(KEY.public_key(), "accounts", clock),
        telemetry=silent("accounts"),
        clock=clock,
        checks={},
        groups={"users": "iam.kubesphere.io"},
    )
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        yield Asking(session, clock)


async def test_a_signed_request_reaches_its_handler() -> None:
    """The handler sees whom the gateway named."""
    async with asking() as ask:
        assert await ask("POST", IAM + "/echo") == (200, "application/json", '{"user": "ann", "body": {}}')


async def test_no_identity_no_service() -> None:
    """Without a header, with another audience, target, age or signature, and for a second time, a request is 401."""
    async with asking() as ask:
        path = IAM + "/tell"
        assert (await ask("POST", path, headers={HEADER: ""}))[0] == 401
        assert (await ask("POST", path, audience="events"))[0] == 401
        assert (await ask("POST", path, headers={HEADER: ask.signed("POST", IAM + "/echo")}))[0] == 401
        assert (await ask("POST", path, headers={HEADER: ask.signed("POST", path)[:-4] + "AAAA"}))[0] == 401
        header = ask.signed("POST", path)
        assert (await ask("POST", path, headers={HEADER: header}))[0] == 200
        assert (await ask("POST", path, headers={HEADER: header}))[0] == 401
        old = ask.signed("POST", path)
        await ask.clock.advance(31)
        assert (await ask("POST", path, headers={HEADER: old}))[0] == 401


async def test_a_covered_body_cannot_be_swapped() -> None:
    """A signed digest holds the body to itself."""
    async with asking() as ask:
        path, good = IAM + "/echo", b'{"a":1}'
        digest = hashlib.sha256(good).hexdigest()
        assert (await ask("POST", path, good, digest=digest))[0] == 200
        assert (await ask("POST", path, b'{"a":2}', digest=digest))[0] == 401


async def test_internal_routes_are_the_gateways() -> None:
    """A user's identity is refused there."""
    async with asking() as ask:
        path = "/internal/accounts/v1/tell"
        assert (await ask("POST", path, user="ann"))[0] == 403
        assert (await ask("POST", path, user=GATEWAY))[0] == 200


async def test_faults_speak_the_dialect_of_their_path() -> None:
    """Plain text for KubeSphere, Status for Kubernetes, problem details for ours."""
    async with asking() as ask:
        text = 'users.iam.kubesphere.io "bob" not found'
        assert await ask("GET", IAM + "/fail/missing") == (404, "text/plain", text + "\n")
        assert await ask("GET", IAM + "/fail/denied") == (403, "text/plain", "&lt;you&gt; may not\n")
        status, kind, body = await ask("GET", "/apis/iam.kubesphere.io/v1alpha2/fail/missing")
        assert (status, kind) == (404, "application/json")
        assert '"reason":"NotFound"' in body
        assert '"details":{"name":"bob","group":"iam.kubesphere.io","kind":"users"}' in body
        status, kind, body = await ask("GET", OURS + "/fail/stale")
        assert (status, kind) == (409, "application/problem+json")
        assert '"slug":"user-stale"' in body
        assert (await ask("GET", IAM + "/fail/broken"))[0] == 500
        assert await ask("GET", IAM + "/fail/mistake") == (500, "text/plain", "Internal server error\n")


async def test_a_miss_is_worded_as_the_familys_router_words_it() -> None:
    """KubeSphere's text, Kubernetes' Status, Go's default."""
    async with asking() as ask:
        assert await ask("GET", "/kapis/nothing/v1/x") == (404, "text/plain", "404: Page Not Found")
        assert (await ask("GET", "/apis/nothing/v1/x"))[1] == "application/json"
        assert await ask("GET", "/nothing") == (404, "text/plain", "404 page not found\n")
        assert await ask("DELETE", IAM + "/echo") == (405, "text/plain", "405: Method Not Allowed")


async def test_bodies_that_cannot_be_read() -> None:
    """KubeSphere's routes say what Go says; ours refuse unknown and repeated fields; size and depth are bounded."""
    async with asking() as ask:
        for body, said in (
            (b"", "EOF"),
            (b"{oops", "invalid character 'o' looking for beginning of object key string"),
        ):
            assert (await ask("POST", IAM + "/echo", body))[2] == said + "\n"
        assert (await ask("POST", IAM + "/echo", b'"' + b"a" * 2000 + b'"'))[0] == 413
        deep = b'{"a":' * 300 + b"1" + b"}" * 300
        assert (await ask("POST", IAM + "/tell", deep))[0] == 200
        assert (await ask("POST", OURS + "/wish", deep))[0] == 400
        for body, status in (
            (b'{"name":"a"}', 200),
            (b'{"name":"a","other":1}', 422),
            (b'{"name":"a","name":"b"}', 400),
            (b'{"name":1}', 422),
            (b'{"name":"\xff"}', 400),
            (b"{}", 422),
        ):
            assert (await ask("POST", OURS + "/wish", body))[0] == status, body
        assert (await ask("POST", OURS + "/wish", headers={"Content-Type": "text/plain"}))[0] == 415


async def test_a_writes_reply_names_what_was_told() -> None:
    """The gateway reads from it what to wait for."""
    async with asking() as ask:
        header = {HEADER: ask.signed("POST", IAM + "/tell"), "Content-Type": "application/json"}
        async with ask.session.post(IAM + "/tell", data=b"{}", headers=header) as answer:
            assert answer.headers[TOLD] == "UserCreated=e1"
            assert await answer.json() == {"actor": "ann"}
