"""Calling another service: one bounded session each, over a unix socket or TCP, carrying the running trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from libs.shared.errors import Broken, Busy, Missing
from libs.shared.event import current_cause

CONNECTIONS = 256
"""At most to one service, for requests; streams such as watches hold one each besides."""
CONNECT_SECONDS = 3.0
POOL_SECONDS = 5.0
"""How long a request may wait for one of the connections."""


class Upstreams:
    """The addresses of the other services (`unix:PATH`, `http://…`, `https://…`), and sessions to them. `standing`
    returns when a service of this process that is being opened can be asked.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        connections: int = CONNECTIONS,
        standing: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._standing = standing
        self._addresses = addresses
        self._connections = connections
        self._sessions: dict[tuple[str, bool], tuple[aiohttp.ClientSession, URL]] = {}

    def __contains__(self, service: str) -> bool:
        """Whether the service has an address."""
        return service in self._addresses

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that have an address."""
        return tuple(self._addresses)

    def open(self, service: str, *, lasting: bool = False) -> tuple[aiohttp.ClientSession, URL]:
        """The service's session, and the address that paths are joined to; raises `Missing` for an unknown one. What is
        `lasting` (streams, sockets) has connections of its own, as many as whoever opens them allows: it must not use
        up those that requests are waiting for.
        """
        found = self._sessions.get((service, lasting))
        if found is None:
            found = self._sessions[service, lasting] = self._opened(service, 0 if lasting else self._connections)
        return found

    async def stands(self, service: str) -> None:
        """Return when the service can be asked, as far as is known here; raises `Busy` when it takes too long."""
        if self._standing is not None:
            await self._standing(service)

    def _opened(self, service: str, most: int) -> tuple[aiohttp.ClientSession, URL]:
        if service not in self._addresses:
            known = ", ".join(sorted(self._addresses))
            raise Missing("service-unknown", f"no address is set for the service {service}; there are {known}")
        address = self._addresses[service]
        path = address.removeprefix("unix:")
        connector = (
            aiohttp.UnixConnector(path, limit=most)
            if path != address
            else aiohttp.TCPConnector(limit=most, keepalive_timeout=30)
        )
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=POOL_SECONDS, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        return session, URL("http://service") if path != address else URL(address)

    @asynccontextmanager
    async def request(
        self, service: str, method: str, target: str, *, seconds: float | None = 30, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; `target` is the raw path with query. The answer streams while the block runs.

        Raises `Busy` when the service can't be reached or is too slow, `Broken` when it talks nonsense.
        """
        await self.stands(service)
        session, base = self.open(service, lasting=seconds is None)
        headers = {**(options.pop("headers", None) or {})}
        if traceparent := current_cause().traceparent:
            headers.setdefault("traceparent", traceparent)
        url = URL(str(base).rstrip("/") + target, encoded=True)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=POOL_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with session.request(
                method, url, headers=headers, timeout=timeout, allow_redirects=False, **options
            ) as answer:
                yield answer
        except (TimeoutError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise Busy("service-unreachable", f"the service {service} does not answer", retry_after=1) from error
        except aiohttp.ClientError as error:
            raise Broken("service-nonsense", f"the service {service} answered what is no HTTP") from error

    async def close(self) -> None:
        """Close every session."""
        for session, _ in self._sessions.values():
            await session.close()
        self._sessions.clear()
