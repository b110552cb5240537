"""What the gateway asks: everything that it decides by, the keys of tokens, and whether a password is right."""

from __future__ import annotations

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Unauthenticated
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, Route
from libs.shared.values import Secret
from services.accounts.domain.login import INACTIVE, From, Way
from services.accounts.parts import Parts
from services.accounts.queries.index import index
from services.accounts.rest.sessions import attempt, keys
from services.accounts.shapes.session import KeysShape

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


ROUTES = (
    Route("GET", "/internal/accounts/v1/index", stream_index, access=Access.INTERNAL, streams=True, media=NDJSON),
    Route("GET", "/internal/accounts/v1/keys", keys, access=Access.INTERNAL, answer=KeysShape),
    Route(
        "POST", "/internal/accounts/v1/verify", verify, access=Access.GATEWAY, body=Credentials, answer=VerifiedShape
    ),
)
