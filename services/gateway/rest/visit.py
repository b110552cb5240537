"""One request of a client from its first byte to its audit record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from libs.shared.errors import Missing
from services.gateway.domain.attributes import Attributes
from services.gateway.domain.audit import Decision, Peer, record
from services.gateway.domain.caller import NOBODY, Caller
from services.gateway.domain.path import Path
from services.gateway.domain.peer import address_of
from services.gateway.domain.route import Entry, Match
from services.gateway.parts import Parts

READING = frozenset({"GET", "HEAD", "OPTIONS"})
NO_PATH = Path((), 0)


@dataclass(slots=True)
class Visit:
    """What is known of a request so far."""

    request: web.Request
    parts: Parts
    received: datetime
    peer: Peer
    id: str
    path: Path = NO_PATH
    query: str = ""
    asked: Attributes = field(default_factory=lambda: Attributes(verb="", path=""))
    caller: Caller = NOBODY
    match: Match | None = None
    decision: Decision = Decision.UNDECIDED
    making: bytes = b""
    """The body of a creation, where it is small."""
    taken: bool = False
    recorded: bool = False
    response: web.StreamResponse | None = None
    """The answer, once it has a head."""

    @property
    def route(self) -> Entry:
        """Its route; asked only of what has one."""
        if self.match is None:
            raise Missing("no-route", "this path belongs to no service")
        return self.match.entry

    @property
    def changing(self) -> bool:
        """Whether the request may change something."""
        return self.request.method not in READING

    @property
    def target(self) -> str:
        """What is forwarded: the canonical path, and the query as it came."""
        return f"{self.path.wire}?{self.query}" if self.query else self.path.wire

    def record(self, code: int) -> None:
        """Keep the audit record, once."""
        if self.recorded:
            return
        self.recorded = True
        parts = self.parts
        made = record(
            self.id,
            self.caller,
            self.asked,
            self.peer,
            code=code,
            made=self.making,
            decision=self.decision,
            received=self.received,
            answered=parts.clock(),
        )
        parts.trail.put(made, parts.clock.monotonic(), taken=self.taken)
        self.taken = False


def visit(request: web.Request, parts: Parts) -> Visit:
    """A request as it comes in."""
    address = address_of(request.remote or "", request.headers, parts.settings.proxies)
    agent = request.headers.get("User-Agent", "")
    return Visit(request, parts, parts.clock(), Peer(address, agent), parts.making.ids())
