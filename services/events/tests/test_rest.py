"""Who the caller is taken for: the gateway's answers, signed or asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.shared.contracts.accounts_v1 import WorkspaceChanged
from libs.shared.errors import Invalid
from libs.shared.http.identity import ASK, HEADER
from libs.shared.http.route import Access, May, Mine
from services.events import rest
from services.events.shapes import log as shapes
from services.events.tests.stage import PATH, Callers, envelope, identity, opened, serving, tell, working


@dataclass
class Answering:
    """A gateway that says one thing, and remembers what it was asked."""

    status: int = 200
    body: str = '{"may": [], "mine": [["ws1", "ws3"]], "holds": []}'
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def review(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers[HEADER], await request.json()))
        return web.Response(status=self.status, text=self.body)


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Answering, str]]:
    answering = Answering()
    app = web.Application()
    app.router.add_post("/internal/gateway/v1/reviews", answering.review)
    async with TestServer(app) as server:
        yield answering, str(server.make_url("/")).rstrip("/")


MANY = replace(identity("bob"), answers={"events.all": False, "workspaces": ASK})


async def seen(folder: Path, address: str) -> tuple[int, list[str]]:
    """Status, and the workspaces that bob sees events of."""
    async with (
        opened(folder) as parts,
        working(parts),
        serving(parts, Callers({"bob": MANY}), address) as client,
    ):
        spaces = ("ws1", "ws2", "ws3", "ask")
        await tell(parts, *(envelope(WorkspaceChanged(workspace=w), f"workspaces/{w}", w) for w in spaces))
        async with client.get(PATH, headers={"Caller": "bob", HEADER: "signed"}) as answer:
            items = (await answer.json())["items"] if answer.status == 200 else []
            return answer.status, [item["workspace"] for item in items]


async def test_answers_too_large_for_a_header(tmp_path: Path, gateway: tuple[Answering, str]) -> None:
    """The gateway is asked, with the caller's own signed identity; the marker itself is no workspace."""
    answering, address = gateway
    assert await seen(tmp_path, address) == (200, ["ws1", "ws3"])
    assert answering.asked == [("signed", {"mine": [{"of": "workspaces"}]})]


@pytest.mark.parametrize(
    ("status", "body"), [(503, ""), (401, "no"), (200, "{}"), (200, "nonsense"), (200, '{"mine": []}')]
)
async def test_a_gateway_that_does_not_say(
    tmp_path: Path, gateway: tuple[Answering, str], status: int, body: str
) -> None:
    """Without an answer nothing is shown; it is an error, not an empty page."""
    gateway[0].status, gateway[0].body = status, body
    assert await seen(tmp_path, gateway[1]) == (400, [])


def test_what_the_route_asks() -> None:
    """Signed-in users only, and exactly these two questions decide what they see."""
    route = rest.ROUTES[0]
    assert (route.access, route.streams) == (Access.SIGNED_IN, True)
    assert route.questions == (
        May("events.all", verb="list", resource="events", group="events.orrery.io", scope="Global"),
        Mine("workspaces", of="workspaces"),
    )


SEVENTEEN = "&".join(f"subject=users/u{number}" for number in range(17))


@pytest.mark.parametrize(
    "query",
    ["subject=a/b/c/d/e", "subject=bob", "subject=users/", "subject=/bob", "subject=a%20b/c", SEVENTEEN],
)
async def test_a_subject_that_nothing_has(tmp_path: Path, query: str) -> None:
    """What can't be a subject is refused, and isn't an empty page."""
    async with opened(tmp_path) as parts, serving(parts, Callers()) as client, client.get(f"{PATH}?{query}") as answer:
        assert (answer.status, await answer.text()) == (400, "query")


async def test_a_position_beyond_the_end(tmp_path: Path) -> None:
    """It is refused, in pages and streams, saying the last one: who waited for it would miss all until then."""
    async with opened(tmp_path) as parts, working(parts), serving(parts, Callers()) as client:
        await tell(parts, envelope(WorkspaceChanged(workspace="ws1"), "workspaces/ws1", "ws1"))
        for query, headers in (("after=2", {}), ("follow=true&after=2", {}), ("follow=true", {"Last-Event-ID": "9"})):
            async with client.get(f"{PATH}?{query}", headers=headers) as answer:
                assert (answer.status, await answer.text()) == (400, "position-beyond")
        async with client.get(f"{PATH}?after=1") as answer:
            assert await answer.json() == {"items": [], "next": 1, "oldest": 1}
    with pytest.raises(Invalid, match="its last position is 1"):
        shapes.check_position(2, 1)
