"""What the gateway asks: everything that it decides by, the keys of tokens, and whether a password is right. And what
other services ask: users by name, and whether a workspace stands.
"""

from __future__ import annotations

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from libs.shared.errors import Unauthenticated
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, Route
from libs.shared.values import Secret
from services.accounts.domain.login import INACTIVE, From, Way
from services.accounts.domain.resource import WORKSPACES
from services.accounts.parts import Parts
from services.accounts.queries import user as users
from services.accounts.queries import workspace as workspaces
from services.accounts.queries.index import index
from services.accounts.rest.sessions import attempt, keys
from services.accounts.shapes import user as user_shapes
from services.accounts.shapes import workspace as workspace_shapes
from services.accounts.shapes.session import KeysShape
from services.accounts.shapes.user import UserShape
from services.accounts.shapes.workspace import WorkspaceShape

NDJSON = "application/x-ndjson"
BATCH = 64 << 10
"""Bytes that are gathered before they are sent."""


class Credentials(BaseModel):
    """A user name or e-mail address with a password, and where they came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str
    password: Secret
    source_ip: str = ""
    user_agent: str = ""


class NamesShape(BaseModel):
    """Names of users, whether or not there are such."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...] = Field(max_length=1000)


class UsersShape(BaseModel):
    """Users as clients see them."""

    items: list[UserShape]


class VerifiedShape(BaseModel):
    """Whose password it is."""

    user: str
    groups: list[str]


async def stream_index(request: web.Request, parts: Parts) -> web.StreamResponse:
    """State as NDJSON, an event a line: `{"type", "subject", "version", "data"}`; the last is `{"end", "count"}`."""
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    count, gathered = 0, bytearray()
    async for subject, version, event in index(parts.store, at=parts.clock()):
        count += 1
        head = {"type": event.full_type(), "subject": subject, "version": version}
        gathered += orjson.dumps(head)[:-1] + b',"data":' + event.model_dump_json().encode() + b"}\n"
        if len(gathered) >= BATCH:
            await response.write(bytes(gathered))
            gathered.clear()
    gathered += orjson.dumps({"end": True, "count": count}) + b"\n"
    await response.write(bytes(gathered))
    await response.write_eof()
    return response


async def verify(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Whether a password is right, for Basic authentication: a failure is counted and recorded, a success is neither.

    Raises `Unauthenticated` with the slug incorrect-password or account-not-active, `Limited` for a locked account.
    """
    given = await strict(request, Credentials)
    source = From(given.source_ip, given.user_agent, Way.PASSWORD)
    outcome = await attempt(parts, given.username, given.password, source)
    if outcome.user is None:
        slug = "account-not-active" if outcome.refused == INACTIVE else "incorrect-password"
        raise Unauthenticated(slug, outcome.refused)
    return web.json_response({"user": outcome.user.name, "groups": list(outcome.user.groups)})


async def name_users(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The users of these names, as clients see them: for services that show members. Who is unknown is left out."""
    given = await strict(request, NamesShape)
    found = [await users.found(parts.store, name) for name in dict.fromkeys(given.names)]
    return web.json_response({"items": [user_shapes.user(one) for one in found if one is not None]})


async def get_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """A workspace as clients see it, for services that put something into one; raises `Missing`."""
    found = await workspaces.workspace(parts.store, request.match_info["workspace"], WORKSPACES)
    return web.json_response(workspace_shapes.workspace(found))


ROUTES = (
    Route("GET", "/internal/accounts/v1/index", stream_index, access=Access.INTERNAL, streams=True, media=NDJSON),
    Route("GET", "/internal/accounts/v1/keys", keys, access=Access.INTERNAL, answer=KeysShape),
    Route(
        "POST", "/internal/accounts/v1/verify", verify, access=Access.GATEWAY, body=Credentials, answer=VerifiedShape
    ),
    Route(
        "POST", "/internal/accounts/v1/users", name_users, access=Access.INTERNAL, body=NamesShape, answer=UsersShape
    ),
    Route(
        "GET",
        "/internal/accounts/v1/workspaces/{workspace}",
        get_workspace,
        access=Access.INTERNAL,
        answer=WorkspaceShape,
    ),
)
