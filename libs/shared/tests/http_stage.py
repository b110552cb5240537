"""A service of given routes behind a gateway's signature, for tests of what stands around handlers."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry.sdk.trace import SpanProcessor

from libs.shared.http.health import Check
from libs.shared.http.identity import HEADER, Identity, Signed, Signer, Verifier
from libs.shared.http.route import Route
from libs.shared.http.server import SECONDS, application
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.logs import make_log
from libs.shared.telemetry.metrics import make_registry
from libs.shared.telemetry.traces import make_provider
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id

KEY = Ed25519PrivateKey.generate()
SERVICE = "accounts"
GROUPS: Mapping[str, str] = {"users": "iam.kubesphere.io"}


class Stage:
    """Asks as the gateway does."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: VirtualClock, telemetry: Telemetry, log: io.StringIO
    ) -> None:
        self.session, self.clock, self.telemetry, self.log = session, clock, telemetry, log
        self.signer = Signer(KEY, clock, time_ordered_id)

    def headers(self, method: str, target: str, user: str = "ann", digest: str = "", **more: Any) -> dict[str, str]:
        who = Identity(user, (), self.clock(), request_id="r1", **more)
        return {HEADER: self.signer.sign(Signed(SERVICE, method, target, digest), who)}

    async def ask(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None, **who: Any
    ) -> tuple[int, str, str]:
        given = self.headers(method, target, **who) | dict(headers or {})
        async with self.session.request(method, target, data=body, headers=given, allow_redirects=False) as answer:
            return answer.status, answer.content_type, await answer.text()


@asynccontextmanager
async def stage(
    routes: Sequence[Route],
    parts: Any = None,
    *,
    seconds: float = SECONDS,
    checks: Mapping[str, Check] | None = None,
    processors: tuple[SpanProcessor, ...] = (),
) -> AsyncIterator[Stage]:
    """The application of these routes on a port of its own, and a client of it."""
    clock, log = VirtualClock(), io.StringIO()
    provider = make_provider(SERVICE, processors)
    telemetry = Telemetry(make_log(SERVICE, log, level="debug"), provider.get_tracer("test"), make_registry())
    app = application(
        routes,
        parts,
        verifier=Verifier(KEY.public_key(), SERVICE, clock),
        telemetry=telemetry,
        clock=clock,
        checks=checks or {},
        groups=GROUPS,
        seconds=seconds,
    )
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        yield Stage(session, clock, telemetry, log)
    provider.shutdown()
