"""The services behind the gateway: one way to them for forwarding, one for the gateway's own questions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import aiohttp
import orjson
from aiohttp import ClientTimeout, ClientWebSocketResponse, hdrs
from yarl import URL

from libs.shared.errors import Broken, Busy, Conflict, Denied, Fault, Invalid, Limited, Missing, Unauthenticated
from libs.shared.http.identity import HEADER, Identity
from libs.shared.values import Clock
from services.gateway.domain.headers import Headers

GATEWAY = "system:gateway"
SKIPPED = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)
LARGEST_ANSWER = 8 << 20
LONGEST_LINE = 4 << 20
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


class Reach(Protocol):
    """Where the services are."""

    def session(self, service: str) -> aiohttp.ClientSession:
        """A session whose connections go to this service; raises `Busy` for one that isn't known."""
        ...

    def url(self, service: str) -> URL:
        """The service's origin."""
        ...


class Signs(Protocol):
    """Signs who is calling."""

    def sign(self, identity: Identity, *, audience: str, method: str, target: str, body: bytes | None) -> str:
        """The header's value for this very request."""
        ...


@dataclass(frozen=True, slots=True)
class Going:
    """A request on its way to a service. `target` is the raw path and query; `body` is None for none; `small` is the
    body where it is known whole, so that its digest can be signed.
    """

    service: str
    method: str
    target: str
    headers: Headers
    identity: Identity
    body: Callable[[], AsyncIterator[bytes]] | bytes | None
    seconds: float | None

    @property
    def small(self) -> bytes | None:
        """The body, where its digest is signed."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else None


class Services:
    """Every failure to reach a service, or of its connection, is `Busy`; nothing of aiohttp's leaves this file."""

    def __init__(self, reach: Reach, signer: Signs, clock: Clock, connect_timeout: float) -> None:
        self._reach = reach
        self._signer = signer
        self._clock = clock
        self._connect = connect_timeout

    @asynccontextmanager
    async def open(self, going: Going) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and have its answer's head; the body is read as it comes, undecoded. Closing cancels what is
        still under way.
        """
        headers = [*going.headers, (HEADER, self._signed(going))]
        timeout = ClientTimeout(total=going.seconds, connect=self._connect)
        try:
            async with self._reach.session(going.service).request(
                going.method,
                self._url(going.service, going.target),
                headers=headers,
                data=going.body() if callable(going.body) else going.body,
                skip_auto_headers=SKIPPED,
                allow_redirects=False,
                auto_decompress=False,
                timeout=timeout,
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            _down(going.service, error)

    @asynccontextmanager
    async def socket(self, going: Going, protocols: tuple[str, ...]) -> AsyncIterator[ClientWebSocketResponse]:
        """Open a WebSocket to a service."""
        try:
            async with self._reach.session(going.service).ws_connect(
                self._url(going.service, going.target),
                headers=[*going.headers, (HEADER, self._signed(going))],
                protocols=protocols,
                max_msg_size=LONGEST_LINE,
                autoping=True,
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise _fault(error.status, going.service, {}) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            _down(going.service, error)

    async def ask(
        self, service: str, method: str, target: str, body: Any = None, *, identity: Identity | None = None
    ) -> Any:
        """A question of the gateway's own, or on a caller's behalf; the JSON of the answer. A refusal is raised as the
        fault that it is.
        """
        going = self._own(service, method, target, body, identity)
        async with self.open(going) as response:
            raw = await response.content.read(LARGEST_ANSWER + 1)
            while not response.content.at_eof() and len(raw) <= LARGEST_ANSWER:
                raw += await response.content.read(LARGEST_ANSWER + 1 - len(raw))
            if len(raw) > LARGEST_ANSWER:
                raise Broken("service-answer", f"{service} answered with more than {LARGEST_ANSWER} bytes")
            found = _json(raw)
            if response.status >= BAD:
                raise _fault(response.status, service, found)
            return found

    async def lines(self, service: str, target: str) -> AsyncIterator[bytes]:
        """The lines of a long answer, each without its end."""
        async with self.open(self._own(service, "GET", target, None, None, seconds=None)) as response:
            if response.status >= BAD:
                raise _fault(response.status, service, {})
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise Broken("service-line", f"{service} sent a line of more than {LONGEST_LINE} bytes")
                for line in lines:
                    if line:
                        yield line
            if rest:
                yield rest

    def _own(
        self,
        service: str,
        method: str,
        target: str,
        body: Any,
        identity: Identity | None,
        *,
        seconds: float | None = SLOWEST,
    ) -> Going:
        headers = [] if body is None else [("Content-Type", "application/json")]
        caller = identity or Identity(GATEWAY, (), self._clock())
        raw = None if body is None else orjson.dumps(body)
        return Going(service, method, target, headers, caller, raw, seconds)

    def _signed(self, going: Going) -> str:
        return self._signer.sign(
            going.identity, audience=going.service, method=going.method, target=going.target, body=going.small
        )

    def _url(self, service: str, target: str) -> URL:
        """The target goes out as it was signed: nothing encodes it again."""
        return URL(str(self._reach.url(service)).rstrip("/") + target, encoded=True)


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


def _down(service: str, error: Exception) -> NoReturn:
    slow = isinstance(error, TimeoutError)
    text = f"{service} did not answer in time" if slow else f"{service} can't be reached now"
    raise Busy("service-slow" if slow else "service-down", f"{text}; try again", retry_after=1) from error
