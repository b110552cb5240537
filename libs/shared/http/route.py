"""A route as data: what a service's ROUTES table is made of, and what the gateway's table is generated from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel


class Access(StrEnum):
    """Who may pass the gateway to this route."""

    DECIDED = "decided"
    """Whom the roles allow, by the request's path (the default)."""
    SIGNED_IN = "signed-in"
    """Every authenticated user; the handler narrows what he sees by the identity's answers."""
    PUBLIC = "public"
    """Everybody, nobody included."""
    INTERNAL = "internal"
    """Never forwarded: the gateway itself, a service in its own name, or one on a caller's behalf."""
    GATEWAY = "gateway"
    """Never forwarded, and for the gateway itself alone."""

    @property
    def inner(self) -> bool:
        """Whether clients never reach it."""
        return self in (Access.INTERNAL, Access.GATEWAY)


class Dialect(StrEnum):
    """How errors are worded on the wire."""

    KUBESPHERE = "kubesphere"
    """Bare text, HTML-escaped, with a newline (`/kapis` of KubeSphere's groups)."""
    KUBERNETES = "kubernetes"
    """A `Status` object (`/api`, `/apis`)."""
    MESSAGE = "message"
    """`{"message"}` (some older routes of KubeSphere's)."""
    OAUTH = "oauth"
    """`{"error", "error_description"}`."""
    ORRERY = "orrery"
    """RFC 9457 problem details (`/kapis/*.orrery.io`, internal)."""


@dataclass(frozen=True, slots=True)
class May:
    """A question: may the caller do this? Answered with a bool. `scope` is Global, Cluster, Workspace or Namespace;
    `{name}` in workspace and namespace is filled from the route's own parameters.
    """

    name: str
    verb: str
    resource: str
    group: str = ""
    scope: str = "Global"
    workspace: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Mine:
    """A question: which `workspaces` (or `namespaces`) is the caller bound in? Answered with a list of names; where it
    is too large for a header the identity says so, and `identity.py` fetches it from the gateway.
    """

    name: str
    of: str


@dataclass(frozen=True, slots=True)
class Where:
    """A question: in which namespaces may the caller do this? Answered with True for the whole cluster, else with a
    list of names, sorted; travels as those of `Mine` do.
    """

    name: str
    verb: str
    resource: str
    group: str = ""


Question = May | Mine | Where

Handler = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]
Described = type[BaseModel] | type[list[Any]]
"""A pydantic model, or a list of one: `list[Member]`."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method. `path` is in aiohttp's syntax; the docstring of `handler` is the operation's description.

    `dialect` is worked out from the path unless given. `max_body` is in bytes. `streams` lifts the time limit (server
    sent events, watches).
    `forwarded` takes a caller's identity that a service passes back, whatever request it was for.
    `packed` are the Content-Encodings that the handler unpacks itself, under a bound of its own; others are refused.
    For OpenAPI: `body` (of a PATCH: a list is a JSON patch, an object a merge patch) and `answer`; `refusal`, where the
    handler words errors otherwise than its dialect; `status` of a good answer, where it isn't the dialect's usual one,
    and its `media` type; `parameters` of the query, name -> meaning.
    """

    method: str
    path: str
    handler: Handler
    access: Access = Access.DECIDED
    questions: tuple[Question, ...] = ()
    dialect: Dialect | None = None
    max_body: int = MIB
    streams: bool = False
    forwarded: bool = False
    packed: tuple[str, ...] = ()
    body: Described | None = None
    answer: Described | None = None
    refusal: Described | None = None
    status: int | None = None
    media: str = "application/json"
    parameters: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
