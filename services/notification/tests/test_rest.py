"""The routes, over HTTP: what administrators read, page through and send again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from libs.shared.contracts.accounts_v1 import UserChanged, UserCreated
from libs.shared.errors import Conflict, Invalid, Missing
from libs.shared.http.route import Access, Route
from services.notification.commands import letter as commands
from services.notification.domain.letter import State
from services.notification.parts import Parts
from services.notification.queries.letter import (
    Wanted,
    begun_letters,
    due_letters,
    find_letters,
    gone_users,
    next_due,
    old_letters,
)
from services.notification.rest import letters as rest
from services.notification.tests.stage import letters, opened, told

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(tmp_path) as made:
        for user in ("ann", "bob", "carl"):
            await told(made, UserCreated(user=user, email=f"{user}@example.com", by="admin"), f"event-{user}")
            await made.clock.advance(1)  # type: ignore[attr-defined]  # the virtual clock's
        yield made


def handling(route: Route, parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await route.handler(request, parts)

    return handle


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[Client]:
    """The routes alone: faults are answered with their slug, as wording them is the kit's work."""

    @web.middleware
    async def worded(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except (Missing, Conflict, Invalid) as fault:
            status = 404 if isinstance(fault, Missing) else 409 if isinstance(fault, Conflict) else 400
            return web.Response(text=fault.slug, status=status)
        return response

    app = web.Application(middlewares=[worded])
    for route in rest.ROUTES:
        app.router.add_route(route.method, route.path, handling(route, parts))
    async with TestClient(TestServer(app)) as made:
        yield made


async def get(client: Client, query: str = "") -> Any:
    async with client.get(f"{rest.V1}/letters{query}") as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def refused(client: Client, user: str, parts: Parts) -> str:
    (letter,) = [one for one in await letters(parts) if one.user == user]
    await parts.store.transact(commands.refuse_letter, letter.id, error="550 no", at=parts.clock())
    return letter.id


async def test_a_letter_on_the_wire(client: Client) -> None:
    """Exactly these fields; nothing null."""
    listed = await get(client, "?to=bob@example.com")
    letter = listed["items"][0]
    assert listed["totalItems"] == 1
    assert letter == {
        "id": letter["id"],
        "to": "bob@example.com",
        "user": "bob",
        "subject": "Welcome, bob",
        "body": letter["body"],
        "state": "queued",
        "messageId": f"<{letter['id']}@notification.orrery.io>",
        "occasion": "welcome",
        "attempts": 0,
        "queuedAt": "2026-01-01T00:00:01.000000Z",
        "dueAt": "2026-01-01T00:00:01.000000Z",
        "lastError": "",
    }
    async with client.get(f"{rest.V1}/letters/{letter['id']}") as answer:
        assert await answer.json() == letter


async def test_pages_newest_first(client: Client, parts: Parts) -> None:
    """Pages follow each other by `next`, which the last one lacks; what is queued meanwhile shifts nothing."""
    first = await get(client, "?limit=2")
    await told(parts, UserCreated(user="dora", email="dora@example.com", by="admin"), "event-dora")
    second = await get(client, f"?limit=2&after={first['next']}")
    assert [[one["user"] for one in page["items"]] for page in (first, second)] == [["carl", "bob"], ["ann"]]
    assert (first["totalItems"], second["totalItems"]) == (3, 4)
    assert "next" not in second


async def test_filters(client: Client, parts: Parts) -> None:
    """By state and by address; both together."""
    await refused(client, "bob", parts)
    assert [one["user"] for one in (await get(client, "?state=undeliverable"))["items"]] == ["bob"]
    assert (await get(client, "?state=undeliverable&to=ann@example.com"))["totalItems"] == 0
    assert (await get(client, "?state=sent"))["items"] == []


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-5", "limit=x", "limit=", "limit=1&limit=2", "state=lost", "after=1", "page=2",
     "limit=%D9%A1"],
)  # fmt: skip
async def test_bad_queries(client: Client, query: str) -> None:
    """Each is refused, none is guessed at."""
    async with client.get(f"{rest.V1}/letters?{query}") as answer:
        assert (answer.status, await answer.text()) == (400, "query")


async def test_resend(client: Client, parts: Parts) -> None:
    """What was given up is queued again, to the user's present address, under its old Message-ID; nothing else is."""
    name = await refused(client, "bob", parts)
    before = (await get(client, "?state=undeliverable"))["items"][0]
    await told(parts, UserChanged(user="bob", email="bob@new.example.com"), "event-change")
    async with client.post(f"{rest.V1}/letters/{name}/resend") as answer:
        again = await answer.json()
    assert (again["state"], again["to"]) == ("queued", "bob@new.example.com")
    assert again["messageId"] == before["messageId"]
    async with client.post(f"{rest.V1}/letters/{name}/resend") as answer:
        assert (answer.status, await answer.text()) == (409, "letter-not-undeliverable")


async def test_unknown_letters(client: Client) -> None:
    """Neither read nor sent again."""
    async with client.get(f"{rest.V1}/letters/none") as answer:
        assert answer.status == 404
    async with client.post(f"{rest.V1}/letters/none/resend") as answer:
        assert answer.status == 404


def test_for_administrators_alone() -> None:
    """Letters hold addresses and bodies: the gateway decides by the roles, and no route is open to others."""
    assert {route.access for route in rest.ROUTES} == {Access.DECIDED}


async def test_listing_reads_by_index(parts: Parts) -> None:
    """No query of a listing, nor of the worker, reads the whole collection."""
    for wanted in (Wanted(), Wanted(to="a@b.org"), Wanted(state=State.SENT), Wanted(after="20260101T000000000000-0")):
        await find_letters(parts.store, wanted)
    await due_letters(parts.store, parts.clock(), 5)
    await begun_letters(parts.store, 5)
    await next_due(parts.store)
    await old_letters(parts.store, parts.clock())
    await gone_users(parts.store, parts.clock())
    assert parts.store.unindexed == frozenset()  # type: ignore[attr-defined]  # SQLite's own
