"""Services that ask each other in their own names, and each way to abuse it."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.shared.config import Suite
from libs.shared.errors import Broken, Busy, Exists, Flaw, Invalid, Limited, Missing
from libs.shared.hosting.folder import Folder
from libs.shared.hosting.keys import public_pem, service_key, service_keys
from libs.shared.http.calls import Calls
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import HEADER, Identity, Signed, Signer, Verifier, caller
from libs.shared.http.reading import raw_body
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.http.server import application
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.logs import make_log
from libs.shared.telemetry.metrics import make_registry
from libs.shared.telemetry.traces import make_provider
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret, time_ordered_id

GATEWAY_KEY = Ed25519PrivateKey.generate()
KEYS = {name: Ed25519PrivateKey.generate() for name in ("alerting", "devops")}
V1 = "/internal/monitoring/v1"


async def tell(request: web.Request, _parts: Any) -> web.Response:
    """Who asks, for what."""
    who, body = caller(request), await raw_body(request)
    told = {"user": who.user, "groups": who.groups, "service": who.service, "session": who.session}
    return web.json_response(told | {"body": body.decode(), "target": request.raw_path, "answers": dict(who.answers)})


async def refuse(request: web.Request, _parts: Any) -> web.Response:
    """As asked."""
    match request.query["how"]:
        case "missing":
            raise Missing("no-series", "there is no series", resource="series", name="up")
        case "invalid":
            raise Invalid("wrong", "it is wrong", flaws=(Flaw("query", "should be PromQL"),))
        case "exists":
            raise Exists("taken", "it is taken")
        case "limited":
            raise Limited("often", "too often", retry_after=7)
        case "text":
            return web.Response(text="hello")
        case "lines":
            return web.Response(body=b'{"a":1}\n\n{"a":2}\n{"a":3}')
        case "nothing":
            return web.Response(status=204)
    raise Broken("ours", "a file is gone")


ROUTES = (
    Route("GET", V1 + "/tell", tell, access=Access.INTERNAL),
    Route("POST", V1 + "/tell", tell, access=Access.INTERNAL),
    Route("GET", V1 + "/refuse", refuse, access=Access.INTERNAL),
    Route("POST", V1 + "/verify", tell, access=Access.GATEWAY),
    Route("POST", V1 + "/review", tell, access=Access.INTERNAL, forwarded=True),
    Route("GET", "/kapis/decided", tell, dialect=Dialect.ORRERY),
    Route("GET", "/kapis/signed-in", tell, access=Access.SIGNED_IN, dialect=Dialect.ORRERY),
    Route("GET", "/kapis/public", tell, access=Access.PUBLIC, dialect=Dialect.ORRERY),
)


@dataclass
class Stage:
    """A service called monitoring, and whoever wants something of it."""

    session: aiohttp.ClientSession
    upstreams: Upstreams
    clock: VirtualClock

    def calls(self, service: str) -> Calls:
        return Calls(lambda: self.signer(service), self.upstreams)

    def signer(self, service: str, key: Ed25519PrivateKey | None = None) -> Signer:
        return Signer(key or KEYS[service], self.clock, time_ordered_id, service)

    def header(self, signer: Signer, method: str, target: str, body: bytes = b"", **more: Any) -> dict[str, str]:
        """Signed for monitoring, unless said otherwise."""
        digest = more.pop("digest", hashlib.sha256(body).hexdigest())
        signed = Signed(more.pop("audience", "monitoring"), method, target, digest)
        return {HEADER: signer.sign(signed, Identity(more.pop("user", ""), (), self.clock(), **more))}

    async def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        async with self.session.request(method, target, headers=headers, data=body) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    clock, provider = VirtualClock(), make_provider("monitoring")
    telemetry = Telemetry(make_log("monitoring", io.StringIO()), provider.get_tracer("test"), make_registry())
    public = {name: key.public_key() for name, key in KEYS.items()}
    app = application(
        ROUTES,
        None,
        verifier=Verifier(GATEWAY_KEY.public_key(), "monitoring", clock, services=public.get),
        telemetry=telemetry,
        clock=clock,
        checks={},
        groups={},
    )
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        upstreams = Upstreams({"monitoring": str(server.make_url("/")), "absent": "http://127.0.0.1:9"})
        try:
            yield Stage(session, upstreams, clock)
        finally:
            await upstreams.close()
            provider.shutdown()


async def test_a_service_asks_in_its_own_name() -> None:
    """Name, group, body and query arrive; nothing else of an identity does."""
    async with stage() as given:
        told = await given.calls("alerting").ask("monitoring", "POST", V1 + "/tell", json={"q": 1}, query={"a": "b c"})
        assert told == {
            "user": "system:service:alerting",
            "groups": ["orrery:services"],
            "service": "alerting",
            "session": "",
            "answers": {},
            "body": '{"q":1}',
            "target": V1 + "/tell?a=b+c",
        }
        assert (await given.calls("devops").ask("monitoring", "GET", V1 + "/tell"))["service"] == "devops"


async def test_refusals_arrive_as_they_were_raised() -> None:
    """Kind, slug, sentence, flaws and wait; what failed there is broken here; unreadable answers too."""
    async with stage() as given:
        calls = given.calls("alerting")

        async def refused(how: str) -> Any:
            return await calls.ask("monitoring", "GET", V1 + "/refuse", query={"how": how})

        with pytest.raises(Missing, match="there is no series") as missing:
            await refused("missing")
        assert (missing.value.slug, missing.value.resource, missing.value.name) == ("no-series", "series", "up")
        with pytest.raises(Invalid) as invalid:
            await refused("invalid")
        assert invalid.value.flaws == (Flaw("query", "should be PromQL"),)
        with pytest.raises(Limited) as limited:
            await refused("limited")
        assert limited.value.retry_after == 7
        for how in ("broken", "text"):
            with pytest.raises(Broken, match="monitoring"):
                await refused(how)
        assert await refused("nothing") is None
        assert [line async for line in calls.lines("monitoring", V1 + "/refuse", query={"how": "lines"})] == [
            {"a": 1},
            {"a": 2},
            {"a": 3},
        ]
        with pytest.raises(Busy, match="absent"):
            await calls.ask("absent", "GET", V1 + "/tell")
        with pytest.raises(Missing, match="nobody"):
            await calls.ask("nobody", "GET", V1 + "/tell")


@pytest.mark.parametrize("path", ["/kapis/x", "/internal/x?y", "/internal/ü", "/internal/a\nb", "internal/x"])
async def test_calls_go_to_internal_routes(path: str) -> None:
    """Any other path is a mistake of ours, found before anything is sent."""
    async with stage() as given:
        with pytest.raises(Invalid):
            await given.calls("alerting").ask("monitoring", "GET", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/kapis/decided"), ("GET", "/kapis/signed-in"), ("GET", "/kapis/public"), ("POST", V1 + "/verify")],
)
async def test_a_service_has_no_way_but_internal_routes(method: str, path: str) -> None:
    """What is for users, for everybody, or for the gateway alone is refused it."""
    async with stage() as given:
        status, told = await given.send(method, path, given.header(given.signer("alerting"), method, path))
        assert (status, told["slug"]) == (403, "internal")


async def test_a_user_has_no_way_to_internal_routes() -> None:
    """An identity that the gateway signed for a user, whatever he is called, is none of a service."""
    async with stage() as given:
        gateway = Signer(GATEWAY_KEY, given.clock, time_ordered_id)
        for user in ("ann", "system:service:alerting"):
            headers = given.header(gateway, "POST", V1 + "/tell", user=user)
            status, told = await given.send("POST", V1 + "/tell", headers)
            assert (status, told["slug"]) == (403, "internal")


async def test_a_service_cannot_be_somebody_else() -> None:
    """What it says of users, groups, sessions and answers counts for nothing; another's name needs another's key."""
    async with stage() as given:
        target = V1 + "/tell"
        own = given.header(given.signer("alerting"), "POST", target, user="admin", session="s", answers={"all": True})
        status, told = await given.send("POST", target, own)
        assert status == 200
        assert (told["user"], told["session"], told["answers"]) == ("system:service:alerting", "", {})
        stranger = Ed25519PrivateKey.generate()
        for name, key, slug in (
            ("devops", KEYS["alerting"], "identity-unsigned"),
            ("alerting", stranger, "identity-unsigned"),
            ("alerting", GATEWAY_KEY, "identity-unsigned"),
            ("billing", stranger, "identity-unknown"),
            ("", KEYS["alerting"], "identity-unsigned"),
        ):
            headers = given.header(Signer(key, given.clock, time_ordered_id, name), "POST", target, user="admin")
            status, told = await given.send("POST", target, headers)
            assert (status, told["slug"]) == (401, slug)


async def test_a_service_cannot_pass_its_identity_back() -> None:
    """Routes that take a caller's identity for any request take none of a service."""
    async with stage() as given:
        headers = given.header(given.signer("alerting"), "POST", V1 + "/review")
        status, told = await given.send("POST", V1 + "/review", headers)
        assert (status, told["slug"]) == (401, "identity-service")


async def test_an_identity_is_for_one_request() -> None:
    """Another audience, method, path, query or body, a second use, no digest, too late: each refused."""
    async with stage() as given:
        target, signer = V1 + "/tell", given.signer("alerting")
        good = given.header(signer, "POST", target, b"a")
        for headers, method, path, body, slug in (
            (given.header(signer, "POST", target, audience="devops"), "POST", target, b"", "identity-audience"),
            (given.header(signer, "POST", target), "GET", target, b"", "identity-target"),
            (given.header(signer, "POST", target), "POST", target + "?a=b", b"", "identity-target"),
            (given.header(signer, "POST", target, b"a"), "POST", target, b"b", "identity-body"),
            (given.header(signer, "POST", target, digest=""), "POST", target, b"b", "identity-body"),
            (given.header(signer, "GET", target, digest=""), "GET", target, b"", "identity-body"),
        ):
            status, told = await given.send(method, path, headers, body)
            assert (status, told["slug"]) == (401, slug)
        assert (await given.send("POST", target, good, b"a"))[0] == 200
        status, told = await given.send("POST", target, good, b"a")
        assert (status, told["slug"]) == (401, "identity-replayed")
        late = given.header(signer, "POST", target)
        await given.clock.advance(31)
        status, told = await given.send("POST", target, late)
        assert (status, told["slug"]) == (401, "identity-expired")


@pytest.mark.parametrize("claims", [b"[]", b"nonsense", b'{"iss": 5}', b'{"iss": ["alerting"]}', b'{"iss": null}'])
async def test_claims_that_nobody_signed_do_no_harm(claims: bytes) -> None:
    """What is read before it is verified may be anything."""
    async with stage() as given:
        payload = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
        status, _ = await given.send("POST", V1 + "/tell", {HEADER: f"{payload}.AAAA"})
        assert status == 401


def test_keys_are_made_once_and_known_to_neighbours(tmp_path: Path) -> None:
    """Private to the user; the public half is where the others look; no name beyond the services' is looked for."""
    folder = Folder.opened(tmp_path)
    known = service_keys(Suite(), folder, ("alerting", "devops"))
    assert known("alerting") is None
    made = service_key("alerting", "", folder)
    again = service_key("alerting", "", folder)
    assert made.private_bytes_raw() == again.private_bytes_raw()
    for _ in range(2):
        found = known("alerting")
        assert found is not None
        assert public_pem(found) == public_pem(made.public_key())
    assert (tmp_path / "keys/services/alerting.key").stat().st_mode & 0o077 == 0
    for name in ("../identity", "billing", "devops"):
        assert known(name) is None


def test_given_keys_and_those_of_a_folder(tmp_path: Path) -> None:
    """A given key replaces the one that was known; a folder of public keys stands for the data folder; what is no key
    is none.
    """
    folder, other = Folder.opened(tmp_path / "data"), tmp_path / "public"
    other.mkdir()
    known = service_keys(Suite(), folder, ("alerting",))
    first = service_key("alerting", "", folder)
    assert known("alerting") is not None
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert service_key("alerting", pem, folder).private_bytes_raw() == key.private_bytes_raw()
    found = known("alerting")
    assert found is not None
    assert found.public_bytes_raw() == key.public_key().public_bytes_raw() != first.public_key().public_bytes_raw()
    elsewhere = service_keys(Suite(service_keys=other), folder, ("alerting",))
    assert elsewhere("alerting") is None
    (other / "alerting.pem").write_text("no key")
    assert elsewhere("alerting") is None
    (other / "alerting.pem").write_text(public_pem(first.public_key()))
    assert elsewhere("alerting") is not None
    with pytest.raises(Invalid, match="ORRERY_ALERTING_KEY"):
        service_key("alerting", Secret("x").reveal(), folder)
