"""HTTP to an API server: bounded connections, credentials renewed when they are refused, failures in our own tree."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from libs.shared.errors import Broken, Busy, TooLarge
from libs.shared.event import current_cause
from libs.shared.kube.connection import Connection, Source, Trust
from libs.shared.kube.errors import fault_of

CONNECTIONS: Final = 64
"""At most, for requests; what lasts has connections of its own."""
LASTING: Final = 1024
CONNECT_SECONDS: Final = 3.0
POOL_SECONDS: Final = 5.0
"""How long a request may wait for a connection."""
HEAD_SECONDS: Final = 30.0
SECONDS: Final = 30.0
LARGEST: Final = 64 << 20
"""Bytes of an answer that is read as a whole."""
LARGEST_MESSAGE: Final = 4 << 20
"""Bytes of a message of a WebSocket."""
CHUNK: Final = 64 << 10
AGENT: Final = "orrery"
SAFE: Final = frozenset({"GET", "HEAD"})
AUTHORIZATION: Final = "Authorization"

Body = bytes | AsyncIterable[bytes] | None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `target` is the raw path with query; `seconds` None is for what lasts, whose head must still come
    within `head` (None: whenever).
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = None
    seconds: float | None = SECONDS
    head: float | None = HEAD_SECONDS

    @property
    def lasting(self) -> bool:
        """Whether it has a connection of its own."""
        return self.seconds is None

    @property
    def again(self) -> bool:
        """Whether it can be sent a second time."""
        return not isinstance(self.body, AsyncIterable)


class Wire:
    """Sessions to one API server, made when first asked for."""

    def __init__(self, source: Source, *, connections: int = CONNECTIONS, lasting: int = LASTING) -> None:
        self.source = source
        self._limits = {False: connections, True: lasting}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._trust: tuple[Trust, ssl.SSLContext] | None = None

    @asynccontextmanager
    async def asked(self, ask: Ask) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, whatever its status; its body streams while the block runs.

        Raises `Busy` when the server can't be reached, breaks off or is too slow, `Broken` when it talks nonsense.
        """
        try:
            answer = await self._answered(ask)
            try:
                yield answer
            finally:
                if answer.content.is_eof():
                    answer.release()
                else:
                    answer.close()
        except (TimeoutError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise Busy("cluster-unreachable", "the cluster does not answer", retry_after=1) from error
        except aiohttp.ClientError as error:
            raise Broken("cluster-nonsense", "the cluster answered what is no HTTP") from error

    @asynccontextmanager
    async def socket(self, ask: Ask, protocols: tuple[str, ...]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket. Raises the server's refusal as the fault that its status stands for, and as `asked` does."""
        connection = await self.source.current()
        try:
            async with self._session(lasting=True).ws_connect(
                URL(connection.server + ask.target, encoded=True),
                headers=_headers(connection, ask),
                protocols=protocols,
                max_msg_size=LARGEST_MESSAGE,
                ssl=self._context(connection),
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise fault_of(error.status, b"") from error
        except (TimeoutError, aiohttp.ClientConnectionError) as error:
            raise Busy("cluster-unreachable", "the cluster does not answer", retry_after=1) from error
        except aiohttp.ClientError as error:
            raise Broken("cluster-nonsense", "the cluster answered what is no HTTP") from error

    async def close(self) -> None:
        """Close every session."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    async def _answered(self, ask: Ask) -> aiohttp.ClientResponse:
        """The answer; a refusal of the connection or of its credentials is followed by one try with newer ones."""
        connection = await self.source.current()
        try:
            answer = await self._sent(connection, ask)
        except aiohttp.ClientConnectorError:  # nothing was sent
            newer = await self.source.renewed(connection)
            if newer == connection:
                raise
            return await self._sent(newer, ask)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):  # a kept connection that had been closed
            if ask.method not in SAFE:
                raise
            return await self._sent(await self.source.renewed(connection), ask)
        if answer.status == HTTPStatus.UNAUTHORIZED and ask.again:
            newer = await self.source.renewed(connection)
            if newer != connection:
                answer.close()
                return await self._sent(newer, ask)
        return answer

    async def _sent(self, connection: Connection, ask: Ask) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=ask.seconds, connect=POOL_SECONDS, sock_connect=CONNECT_SECONDS)
        async with asyncio.timeout(ask.head):
            return await self._session(lasting=ask.lasting).request(
                ask.method,
                URL(connection.server + ask.target, encoded=True),
                headers=_headers(connection, ask),
                data=ask.body,
                timeout=timeout,
                allow_redirects=False,
                ssl=self._context(connection),
            )

    def _session(self, *, lasting: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(lasting)
        if session is None:
            session = self._sessions[lasting] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limits[lasting], keepalive_timeout=30),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                read_bufsize=CHUNK * 4,
            )
        return session

    def _context(self, connection: Connection) -> ssl.SSLContext | bool:
        if not connection.server.startswith("https:"):
            return True
        if self._trust is None or self._trust[0] != connection.trust:
            self._trust = (connection.trust, connection.trust.context())
        return self._trust[1]


def _headers(connection: Connection, ask: Ask) -> CIMultiDict[str]:
    """The connection's own last: what it enters with is never the caller's."""
    headers = CIMultiDict(ask.headers)
    headers.setdefault("User-Agent", AGENT)
    if traceparent := current_cause().traceparent:
        headers["traceparent"] = traceparent
    headers.popall(AUTHORIZATION, None)
    headers.update(connection.headers)
    if connection.authorization:
        headers[AUTHORIZATION] = connection.authorization.reveal()
    return headers


def with_headers(ask: Ask, headers: Iterable[tuple[str, str]]) -> Ask:
    """With these besides."""
    return replace(ask, headers=(*ask.headers, *headers))


async def whole(answer: aiohttp.ClientResponse, largest: int = LARGEST) -> bytes:
    """The body; raises `TooLarge` as soon as it is known to be larger."""
    parts, size = [], 0
    async for part in answer.content.iter_chunked(CHUNK):
        size += len(part)
        if size > largest:
            raise TooLarge("cluster-answer", f"the cluster's answer is larger than {largest} bytes")
        parts.append(part)
    return b"".join(parts)


async def lines(answer: aiohttp.ClientResponse, longest: int, *, cut: bool = False) -> AsyncGenerator[bytes, None]:
    """The body's lines without their ends, as they come. One that is longer comes in pieces (`cut`), or raises
    `Broken`.
    """
    rest = b""
    async for part in answer.content.iter_any():
        *whole_lines, rest = (rest + part).split(b"\n")
        for line in whole_lines:
            for piece in _pieces(line, longest, cut=cut):
                yield piece
        if len(rest) > longest:
            *pieces, rest = _pieces(rest, longest, cut=cut)
            for piece in pieces:
                yield piece
    if rest:
        yield rest


def _pieces(line: bytes, longest: int, *, cut: bool) -> list[bytes]:
    if len(line) <= longest:
        return [line]
    if not cut:
        raise Broken("cluster-line", f"the cluster sent a line of more than {longest} bytes")
    return [line[begin : begin + longest] for begin in range(0, len(line), longest)]
