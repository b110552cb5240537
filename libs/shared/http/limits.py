"""How much of a listener its clients may hold: what an application asks of the one who serves it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds. aiohttp itself knows only `idle`."""

    head: float = 10.0
    """From a connection's opening, or a later request's first byte, to the end of that request's head."""
    handshake: float = 10.0
    """For a TLS handshake, and for the farewell of one."""
    idle: float = 75.0
    """Between two requests."""
    stall: float = 60.0
    """How long a client may take nothing of what waits for it, or leave a closed connection unfinished."""
    connections: int = 10_000
    """Open connections, handshakes included; what comes beyond is closed at once."""
    per_address: int = 0
    """Of them from one IPv4 address or IPv6 /64; 0 for any number."""
    exempt: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose addresses stand for many clients, and are not held to `per_address`."""


LIMITS: Final = web.AppKey("orrery.limits", Limits)
"""Where an application says which it wants; the defaults hold for one that doesn't."""
