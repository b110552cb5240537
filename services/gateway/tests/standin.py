"""A stand-in for accounts: a service on the kit that echoes what reaches it, and tells what the gateway asks."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import jwt
from aiohttp import WSMsgType, web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from libs.shared.config import Settings
from libs.shared.contracts.accounts_v1 import EVENTS
from libs.shared.errors import Limited, Unauthenticated
from libs.shared.event import Event
from libs.shared.http.identity import caller
from libs.shared.http.reading import raw_body
from libs.shared.http.route import Access, Dialect, May, Mine, Route
from libs.shared.service import Host, Service
from libs.shared.store.protocol import Document, Store, Unit
from services.gateway.domain.route import Entry, Table
from services.gateway.rest import ROUTES as OWN
from services.gateway.tests.seeds import told

KID = "k1"
PASSWORD = "P@ss:word1"
IAM = "/kapis/iam.kubesphere.io/v1alpha2"
BIG = 4 << 20
QUESTIONS = (
    May("manages", "update", "users", "iam.kubesphere.io"),
    May("roles", "list", "workspaceroles", "iam.kubesphere.io", "Workspace", "{workspace}"),
    Mine("mine", "workspaces"),
)


class StandInSettings(Settings):
    """None."""


class Mark(Document):
    """Gives events a version that grows."""

    name: str
    n: int = 0


@dataclass
class StandIn:
    """What the stand-in knows and has seen."""

    store: Store
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    snapshot: list[Event] = field(default_factory=lambda: list(told()))
    verified: int = 0
    keys_asked: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False
    lines: list[bytes] | None = None
    """What the snapshot says instead of the truth."""
    locked: bool = False
    kid: str = KID

    async def tell(self, event: Event) -> None:
        """Commit an event, as accounts does."""
        await self.store.transact(_emit, event)

    def token(self, user: str, *, key: Any = None, algorithm: str = "EdDSA", kid: str = KID, **claims: Any) -> str:
        """A token; claims replace or, as None, remove the usual ones."""
        now = datetime.now(UTC)
        usual = {
            "iss": "kubesphere",
            "sub": user,
            "username": user,
            "token_type": "access_token",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
            "sid": f"s-{user}",
            "jti": "j",
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(said, self.key if key is None else key, algorithm=algorithm, headers={"kid": kid})


async def _emit(unit: Unit, event: Event) -> None:
    marks = unit.of(Mark)
    mark = await marks.look("mark") or Mark(name="mark")
    kept = await marks.put(mark.model_copy(update={"n": mark.n + 1}))
    unit.emit(event, subject="things/x", about=kept)


async def keys(_request: web.Request, parts: StandIn) -> web.Response:
    """The key set."""
    parts.keys_asked += 1
    raw = parts.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return web.json_response({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": parts.kid, "alg": "EdDSA"}]})


async def verify(request: web.Request, parts: StandIn) -> web.Response:
    """One password is right for everybody."""
    parts.verified += 1
    asked = json.loads(await raw_body(request))
    if parts.locked:
        raise Limited("locked", "auth rate limit exceeded", retry_after=60)
    if asked["password"] != PASSWORD:
        raise Unauthenticated("wrong", "incorrect password")
    return web.json_response({"user": asked["username"].partition("@")[0], "groups": []})


async def index(request: web.Request, parts: StandIn) -> web.StreamResponse:
    """The snapshot; without its last line when broken."""
    response = web.StreamResponse()
    await response.prepare(request)
    for line in parts.lines or ():
        await response.write(line + b"\n")
    if parts.lines is not None:
        return response
    for event in parts.snapshot:
        row = {"type": event.full_type(), "subject": "x", "version": 0, "data": event.model_dump(mode="json")}
        await response.write(json.dumps(row).encode() + b"\n")
    if not parts.broken:
        await response.write(json.dumps({"end": True, "count": len(parts.snapshot)}).encode() + b"\n")
    return response


async def echo(request: web.Request, _parts: StandIn) -> web.Response:
    """What reached the service."""
    who = caller(request)
    raw = await raw_body(request)
    return web.json_response(
        {
            "user": who.user,
            "groups": list(who.groups),
            "session": who.session,
            "ip": who.source_ip,
            "answers": dict(who.answers),
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "target": request.raw_path,
            "size": len(raw),
            "body": raw[:100].decode("utf-8", "replace"),
        },
        headers={"Orrery-Secret": "x", "X-Kept": "1", "Connection": "X-Hop", "X-Hop": "1"},
    )


async def bind(request: web.Request, parts: StandIn) -> web.Response:
    """A write that tells an event which the caller's next request is to be decided by."""
    event = next(e for e in EVENTS if e.__name__ == request.query["event"])
    await parts.tell(event.model_validate_json(await raw_body(request)))
    return web.json_response({"message": "success"})


async def stream(request: web.Request, parts: StandIn) -> web.StreamResponse:
    """One line, then silence for ever."""
    response = web.StreamResponse()
    response.content_type = "application/json" if request.path.startswith("/apis/") else "text/event-stream"
    await response.prepare(request)
    await response.write(b"data: first\n\n")
    try:
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.02)
    finally:
        parts.cancelled.set()
    return response


async def torn(request: web.Request, _parts: StandIn) -> web.StreamResponse:
    """Half of what was promised."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport is not None
    request.transport.close()
    return response


async def talk(request: web.Request, _parts: StandIn) -> web.StreamResponse:
    """A WebSocket that echoes."""
    socket = web.WebSocketResponse(protocols=("v4.channel",))
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(f"{caller(request).user}: {message.data}")
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


INTERNAL = Access.INTERNAL
ROUTES = (
    Route("GET", "/internal/accounts/v1/keys", keys, access=INTERNAL, dialect=Dialect.ORRERY),
    Route("POST", "/internal/accounts/v1/verify", verify, access=INTERNAL, dialect=Dialect.ORRERY),
    Route("GET", "/internal/accounts/v1/index", index, access=INTERNAL, dialect=Dialect.ORRERY, streams=True),
    Route("POST", "/oauth/token", echo, access=Access.PUBLIC),
    Route("GET", "/oauth/userinfo", echo, access=Access.PUBLIC),
    Route("GET", IAM + "/users", echo),
    Route("GET", IAM + "/users/{user}", echo),
    Route("POST", IAM + "/users", echo, max_body=BIG),
    Route("GET", IAM + "/workspaces/{workspace}/workspacemembers", echo, questions=QUESTIONS),
    Route("POST", IAM + "/workspaces/{workspace}/workspacemembers", bind),
    Route("GET", "/apis/iam.kubesphere.io/v1alpha2/users", stream, streams=True, dialect=Dialect.KUBERNETES),
    Route("GET", "/kapis/events.orrery.io/v1/events", stream, access=Access.SIGNED_IN, streams=True),
    Route("GET", IAM + "/workspaces/{workspace}/events", stream, streams=True, questions=QUESTIONS),
    Route("GET", "/kapis/terminal.kubesphere.io/v1alpha2/talk", talk, access=Access.SIGNED_IN, streams=True),
    Route("GET", IAM + "/torn", torn, access=Access.SIGNED_IN),
)


def table() -> Table:
    """The table of the stand-in's and the gateway's own routes, and one of a service that is not there."""
    entries = [_entry(name, r) for name, rs in (("accounts", ROUTES), ("gateway", OWN)) for r in rs]
    absent = Entry("absent", "GET", "/kapis/absent.kubesphere.io/v1/things", "signed-in", dialect="kubesphere")
    return Table([*(e for e in entries if e.access != "internal"), absent])


def _entry(service: str, r: Route) -> Entry:
    dialect = r.dialect.value if r.dialect else ""
    return Entry(service, r.method, r.path, r.access.value, r.questions, r.max_body, r.streams, dialect)


@asynccontextmanager
async def _opened(host: Host, into: list[StandIn]) -> AsyncIterator[StandIn]:
    made = StandIn(host.store)
    into.append(made)
    yield made


def standin(into: list[StandIn]) -> Service:
    """The service; its parts are put into the list as it opens."""
    return Service(
        name="accounts",
        about="A stand-in.",
        settings=StandInSettings,
        open=partial(_opened, into=into),
        documents=(Mark,),
        publishes=EVENTS,
        routes=ROUTES,
    )
