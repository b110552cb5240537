"""Who is calling: a short-lived header signed by the gateway, verified by every service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

HEADER = "Orrery-Identity"
TOLD = "Orrery-Told"
"""On a reply to a write: `UserCreated=<event id>, …`, which the gateway waits to see before it passes the reply on."""

IDENTITY = "orrery.identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, as the gateway authenticated him, and its answers to the route's questions.

    `user` is `system:anonymous` for nobody and `system:gateway` for the gateway itself.
    """

    user: str
    groups: tuple[str, ...]
    issued: datetime
    session: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source_ip: str = ""
    user_agent: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


def caller(request: web.Request) -> Identity:
    """The verified identity of this request."""
    identity: Identity = request[IDENTITY]
    return identity
