"""All connections of one application, by whichever door they came: counted, watched, ended when overdue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network

from aiohttp import web

from libs.shared.hosting.connection import Connection, Cut
from libs.shared.http.limits import Limits

LOOKS = 10
"""How often one is looked at within the shortest limit, so that limits hold to a tenth."""
SELDOMEST, OFTENEST = 1.0, 0.01


class Place:
    """One connection's place in the crowd, given back once however often that is asked."""

    def __init__(self, crowd: Crowd, group: str) -> None:
        self.group = group
        self._crowd: Crowd | None = crowd

    def leave(self) -> None:
        """Somebody else may have it."""
        crowd, self._crowd = self._crowd, None
        if crowd is not None:
            crowd.left(self)


class Crowd:
    """Who is in. `told` hears of each connection that is refused or ended from here."""

    def __init__(self, server: web.Server, limits: Limits, told: Callable[[Cut], None]) -> None:
        self.limits = limits
        self.told = told
        self._server = server
        self._clock = asyncio.get_running_loop().time
        self._count = 0
        self._groups: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._answer = server.request_handler
        server.request_handler = self._answered

    def __len__(self) -> int:
        """How many are in, handshakes included."""
        return self._count

    def enter(self, peer: object) -> Place | None:
        """A place for who comes from this socket address; None, and it is told, when there is none."""
        if self._count >= self.limits.connections:
            self.told(Cut.FULL)
            return None
        group = self._group(peer)
        if group and self._groups[group] >= self.limits.per_address:
            self.told(Cut.ADDRESS)
            return None
        self._count += 1
        if group:
            self._groups[group] += 1
        return Place(self, group)

    def left(self, place: Place) -> None:
        """For places alone."""
        self._count -= 1
        if place.group:
            self._groups[place.group] -= 1
            if not self._groups[place.group]:
                del self._groups[place.group]

    def connection(self, place: Place) -> Connection:
        """The protocol of a new connection, which has this place until it is lost."""

        def lost(connection: Connection) -> None:
            self._connections.discard(connection)
            place.leave()

        connection = Connection(self._server(), self._clock, lost)
        self._connections.add(connection)
        return connection

    def forget(self, connection: Connection) -> None:
        """It has never stood."""
        self._connections.discard(connection)

    async def dispersed(self, seconds: float) -> None:
        """Return when everybody has gone; who has not by then is dropped."""
        try:
            async with asyncio.timeout(seconds):
                while self._connections:  # noqa: ASYNC110  # at the very end, for a moment
                    await asyncio.sleep(OFTENEST)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
            await asyncio.sleep(0)

    async def watch(self) -> None:
        """End whatever is overdue, for ever."""
        shortest = min(self.limits.head, self.limits.stall)
        between = min(SELDOMEST, max(OFTENEST, shortest / LOOKS))
        while True:
            await asyncio.sleep(between)
            for connection in tuple(self._connections):
                if (cut := connection.overdue(self.limits)) is not None:
                    self.told(cut)
                    connection.end(cut)

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        """Called by aiohttp once the head has come."""
        connection = request.transport.get_protocol() if request.transport is not None else None
        if not isinstance(connection, Connection):
            return await self._answer(request)
        with connection.answering():
            return await self._answer(request)

    def _group(self, peer: object) -> str:
        """Whom the bound for one address takes together; empty where there is no bound."""
        if not self.limits.per_address or not isinstance(peer, tuple):
            return ""
        address = ip_address(str(peer[0]).partition("%")[0])
        if any(address in network for network in self.limits.exempt):
            return ""
        return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))
