"""What an operator sees and does about parked messages: served by every service, gathered by the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, Field

from libs.shared.delivery import parked
from libs.shared.delivery.parked import Parked
from libs.shared.errors import Flaw, Invalid
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.store.protocol import Store
from libs.shared.values import Clock

V1: Final = "/internal/delivery/v1"
_MOST: Final = 500
_DEFAULT: Final = 100


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes need: hosting puts it into each service's application."""

    service: str
    store: Store
    clock: Clock


DESK: Final = web.AppKey("orrery.delivery.desk", Desk)


class ParkedView(BaseModel):
    """One parked message. `event` is the envelope, or None where `raw` holds bytes that could not be read (base64)."""

    id: str
    service: str
    position: str
    type: str
    subject: str
    reason: str
    attempts: int
    waiting: bool
    parked_at: datetime = Field(serialization_alias="parkedAt")
    next_try: datetime = Field(serialization_alias="nextTry")
    event: str | None = None
    raw: str | None = None


class ParkedPage(BaseModel):
    """One page of a service's parked messages, in the order of the bus."""

    items: list[ParkedView]
    total_items: int = Field(serialization_alias="totalItems")


def view(one: Parked, service: str) -> ParkedView:
    """As it is shown."""
    return ParkedView(
        id=one.id,
        service=service,
        position=one.position,
        type=one.type,
        subject=one.subject,
        reason=one.reason,
        attempts=one.attempts,
        waiting=one.waits,
        parked_at=one.parked_at,
        next_try=one.next_try,
        event=one.event or None,
        raw=one.raw or None,
    )


async def list_parked(request: web.Request, _parts: Any) -> web.Response:
    """Parked messages, in the order of the bus: `limit` up to 500, `offset` from 0."""
    desk = request.app[DESK]
    limit, offset = _number(request, "limit", _DEFAULT, 1, _MOST), _number(request, "offset", 0, 0, 1_000_000_000)
    items, total = await parked.listed(desk.store, limit=limit, offset=offset)
    return _answer(ParkedPage(items=[view(one, desk.service) for one in items], total_items=total))


async def release_parked(request: web.Request, _parts: Any) -> web.Response:
    """Try its subject again at once, from the first of its parked messages on."""
    desk = request.app[DESK]
    released = await desk.store.transact(parked.release, request.match_info["id"], at=desk.clock())
    return _answer(view(released, desk.service), status=202)


async def discard_parked(request: web.Request, _parts: Any) -> web.Response:
    """Give it up: it counts as handled, and what waits behind it goes on."""
    desk = request.app[DESK]
    await desk.store.transact(parked.discard, request.match_info["id"], desk.service, at=desk.clock())
    return web.Response(status=204)


def _answer(body: BaseModel, status: int = 200) -> web.Response:
    return web.Response(text=body.model_dump_json(by_alias=True), status=status, content_type="application/json")


def _number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high:
        return int(text)
    wanted = f"a whole number from {low} to {high}"
    raise Invalid("query", f"{name}={text!r} is not {wanted}", flaws=(Flaw(name, wanted, text),))


ROUTES: Final = (
    Route(
        "GET",
        V1 + "/parked",
        list_parked,
        access=Access.GATEWAY,
        dialect=Dialect.ORRERY,
        answer=ParkedPage,
        parameters=(("limit", "how many, up to 500"), ("offset", "how many to pass over")),
    ),
    Route(
        "POST",
        V1 + "/parked/{id}/release",
        release_parked,
        access=Access.GATEWAY,
        dialect=Dialect.ORRERY,
        answer=ParkedView,
        status=202,
    ),
    Route("DELETE", V1 + "/parked/{id}", discard_parked, access=Access.GATEWAY, dialect=Dialect.ORRERY, status=204),
)


def routes() -> tuple[Route, ...]:
    """For hosting to add to each service that consumes; the application holds a `Desk` under `DESK`."""
    return ROUTES
