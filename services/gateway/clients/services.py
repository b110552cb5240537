"""The services behind the gateway: one way to them for forwarding, one for the gateway's own questions."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientTimeout, ClientWebSocketResponse
from yarl import URL

from libs.shared.errors import Broken, Busy, Conflict, Denied, Fault, Invalid, Limited, Missing, Unauthenticated
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import GATEWAY, HEADER, READING, Identity, Signed, Signer
from libs.shared.values import Clock
from services.gateway.domain.headers import Headers

LARGEST_ANSWER = 8 << 20
LONGEST_LINE = 4 << 20
BEGINNING = 200
"""Bytes that are kept of a line that is too long, to say which it was."""
SLOWEST = 10.0
BAD, OURS = 400, 500
"""Statuses from which an answer is a refusal, and from which it is the service's own fault."""
FAULTS: Mapping[int, type[Fault]] = {
    401: Unauthenticated,
    403: Denied,
    404: Missing,
    409: Conflict,
    429: Limited,
    503: Busy,
}


@dataclass(frozen=True, slots=True)
class Going:
    """A request on its way to a service. `target` is the raw path and query; `body` is None for none, bytes where it is
    small, and else gives its pieces.
    """

    service: str
    method: str
    target: str
    headers: Headers
    identity: Identity
    body: Callable[[], AsyncIterator[bytes]] | bytes | None
    seconds: float | None

    @property
    def digest(self) -> str:
        """SHA-256 of the body where it is signed: a write without a body is signed as such."""
        if callable(self.body) or (self.body is None and self.method in READING):
            return ""
        return hashlib.sha256(self.body or b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line that is longer than any that is read, by its first bytes."""

    beginning: bytes


class _Cutter:
    """Bytes into lines; of one that is too long no more than its beginning is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._over: Overlong | None = None

    def take(self, chunk: bytes) -> Iterator[bytes | Overlong]:
        """The lines that end in this chunk, but for empty ones."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._grow(end)
            if whole := self._over or self._rest:
                yield whole
            self._rest, self._over = b"", None
        self._grow(rest)

    def _grow(self, piece: bytes) -> None:
        if self._over is None:
            self._rest += piece
            if len(self._rest) > LONGEST_LINE:
                self._over, self._rest = Overlong(self._rest[:BEGINNING]), b""


class Services:
    """Every failure to reach a service, or of its connection, is `Busy`; nothing of aiohttp's is raised from here."""

    def __init__(self, upstreams: Upstreams, signer: Signer, clock: Clock) -> None:
        self._upstreams = upstreams
        self._signer = signer
        self._clock = clock

    @asynccontextmanager
    async def open(self, going: Going) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and have its answer's head; the body is read as it comes, undecoded. Closing cancels what is
        still under way.
        """
        session, url = await self._reached(going)
        timeout = ClientTimeout(total=going.seconds, sock_connect=session.timeout.sock_connect)
        with _reaching(going.service):
            async with session.request(
                going.method,
                url,
                headers=self._signed(going),
                data=going.body() if callable(going.body) else going.body,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                yield response

    @asynccontextmanager
    async def socket(self, going: Going, protocols: tuple[str, ...]) -> AsyncIterator[ClientWebSocketResponse]:
        """Open a WebSocket to a service; its refusal is raised as the fault that it is."""
        session, url = await self._reached(going)
        with _reaching(going.service):
            async with session.ws_connect(
                url, headers=self._signed(going), protocols=protocols, max_msg_size=LONGEST_LINE
            ) as socket:
                yield socket

    async def ask(self, service: str, method: str, target: str, body: Any = None) -> Any:
        """A question of the gateway's own; the JSON of the answer. A refusal is raised as the fault that it is."""
        async with self.open(self._own(service, method, target, body, SLOWEST)) as response:
            found = _json(await _whole(response, service))
            if response.status >= BAD:
                raise _fault(response.status, service, found)
            return found

    async def lines(self, service: str, target: str) -> AsyncIterator[bytes | Overlong]:
        """The lines of a long answer, each without its end; of one of more than `LONGEST_LINE` bytes its beginning."""
        async with self.open(self._own(service, "GET", target, None, None)) as response:
            if response.status >= BAD:
                raise _fault(response.status, service, {})
            cutter = _Cutter()
            async for chunk in response.content.iter_any():
                for line in cutter.take(chunk):
                    yield line
            for line in cutter.take(b"\n"):
                yield line

    def _own(self, service: str, method: str, target: str, body: Any, seconds: float | None) -> Going:
        headers = [] if body is None else [("Content-Type", "application/json")]
        raw = None if body is None else orjson.dumps(body)
        return Going(service, method, target, headers, Identity(GATEWAY, (), self._clock()), raw, seconds)

    def _signed(self, going: Going) -> Headers:
        signed = Signed(going.service, going.method, going.target, going.digest)
        return [*going.headers, (HEADER, self._signer.sign(signed, going.identity))]

    async def _reached(self, going: Going) -> tuple[aiohttp.ClientSession, URL]:
        """The service's session, and the target as it was signed: nothing encodes it again."""
        if going.service not in self._upstreams:
            raise Busy("service-absent", f"{going.service} is not part of this installation", retry_after=1)
        await self._upstreams.stands(going.service)
        session, base = self._upstreams.open(going.service, lasting=going.seconds is None)
        return session, URL(str(base).rstrip("/") + going.target, encoded=True)


@contextmanager
def _reaching(service: str) -> Iterator[None]:
    """Turn what aiohttp raises into faults."""
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        raise _fault(error.status, service, {}) from None
    except TimeoutError as error:
        raise Busy("service-slow", f"{service} did not answer in time; try again", retry_after=1) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise Busy("service-down", f"{service} can't be reached now; try again", retry_after=1) from error


async def _whole(response: aiohttp.ClientResponse, service: str) -> bytes:
    raw = b""
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > LARGEST_ANSWER:
            raise Broken("service-answer", f"{service} answered with more than {LARGEST_ANSWER} bytes")
    return raw


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        return {}


def _fault(status: int, service: str, body: Any) -> Fault:
    detail = body.get("detail") if isinstance(body, dict) else None
    text = str(detail or f"{service} answered with status {status}")
    kind = FAULTS.get(status, Invalid if status < OURS else Broken)
    return kind(f"{service}-{status}", text)
