"""Calling other services over sockets of both sorts, and asking the gateway on a caller's behalf."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from libs.shared.errors import Broken, Busy, Missing, Unauthenticated
from libs.shared.event import CAUSE, Cause
from libs.shared.http import answers
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import ASK, HEADER, IDENTITY, Identity
from libs.shared.http.reading import ROUTE
from libs.shared.http.route import May, Mine, Route, Where
from libs.shared.testing.clock import VirtualClock

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def echo(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/slow":
            await asyncio.sleep(1)
        case "/long":
            begun = web.StreamResponse()
            await begun.prepare(request)
            await begun.write(b"x")
            await asyncio.Event().wait()
        case "/half":
            half = web.StreamResponse(headers={"Content-Length": "100"})
            await half.prepare(request)
            await half.write(b"half")
            assert request.transport is not None
            request.transport.abort()
            return half
        case "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
    heard = {"target": request.raw_path, "headers": dict(request.headers), "body": await request.text()}
    return web.json_response(heard)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """One service, by socket and by port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "s")).start()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield {"unix": f"unix:{folder / 's'}", "tcp": f"http://127.0.0.1:{runner.addresses[1][1]}/"}
    finally:
        await runner.cleanup()


@asynccontextmanager
async def upstreams(addresses: Mapping[str, str]) -> AsyncIterator[Upstreams]:
    made = Upstreams(addresses)
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("service", ["unix", "tcp"])
async def test_a_request_arrives_as_it_was_meant(service: str, tmp_path: Path) -> None:
    """The raw target byte for byte, the body, the running trace, and no header of a library's own."""
    CAUSE.set(Cause(traceparent=PARENT))
    target = "/a%2Fb/%C3%A4?x=%20+&y=a%2fb&&"
    async with serving(tmp_path) as addresses, upstreams(addresses) as up:
        async with up.request(service, "POST", target, data=b"body", headers={"X-A": "1"}) as answer:
            heard = await answer.json()
        assert (heard["target"], heard["body"], heard["headers"]["X-A"]) == (target, "body", "1")
        assert heard["headers"]["traceparent"] == PARENT
        assert "User-Agent" not in heard["headers"]
        async with up.request(service, "GET", "/moved") as answer:
            assert answer.status == 302


async def test_failures_are_of_our_own_tree(tmp_path: Path) -> None:
    """Unknown, absent, slow, broken off and not HTTP: each a fault that names the service."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail ESMTP\r\n")
        writer.close()

    odd = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = odd.sockets[0].getsockname()[1]
    async with odd, serving(tmp_path) as addresses:
        places = {**addresses, "absent": f"unix:{tmp_path / 'nothing'}", "odd": f"http://127.0.0.1:{port}"}
        async with upstreams(places) as up:
            for service, target, seconds, fault in (
                ("nobody", "/", 1.0, Missing),
                ("absent", "/", 1.0, Busy),
                ("unix", "/slow", 0.05, Busy),
                ("tcp", "/half", 1.0, Busy),
                ("odd", "/", 1.0, Broken),
            ):
                with pytest.raises(fault, match=service):
                    async with up.request(service, "GET", target, seconds=seconds) as answer:
                        await answer.read()


async def test_sessions_are_shared_and_closed(tmp_path: Path) -> None:
    """One session a service, closed with the whole."""
    async with serving(tmp_path) as addresses:
        async with upstreams(addresses) as up:
            session, base = up.open("tcp")
            assert up.open("tcp")[0] is session
            assert str(base) == addresses["tcp"]
            assert "tcp" in up
            assert "nobody" not in up
        assert session.closed


QUESTIONS = (
    Mine("spaces", of="workspaces"),
    May("edit", verb="update", resource="users", group="iam.kubesphere.io", scope="Workspace", workspace="{workspace}"),
    Where("places", verb="get", resource="pods/log"),
)


class Gateway:
    """Answers reviews as told, and keeps what it was asked."""

    def __init__(self, status: int = 200, said: Any = None) -> None:
        self.status, self.said, self.asked = status, said, list[tuple[str, Any]]()

    async def review(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.asked.append((request.headers[HEADER], asked))
        known: dict[str, Any] = {"mine": ["ws1", "ws2"], "may": True, "holds": False, "where": ["p1"]}
        said = {key: [known[key] for _ in questions] for key, questions in asked.items()}
        return web.json_response(said if self.said is None else self.said, status=self.status)


async def asked(gateway: Gateway, folder: Path, ask: Any, known: Mapping[str, Any]) -> Any:
    """What `ask` gives in a handler of the route with these questions, whose identity has these answers."""
    results: list[Any] = []
    route = Route("GET", "/{workspace}/x", echo, questions=QUESTIONS)  # type: ignore[arg-type]  # never served

    async def handler(request: web.Request) -> web.Response:
        request[ROUTE] = route
        request[IDENTITY] = Identity("ann", (), VirtualClock()(), answers=known)
        try:
            results.append(await ask(request))
        except (Broken, Busy, Unauthenticated) as fault:
            results.append(fault)
        return web.Response()

    behind, front = web.Application(), web.Application()
    behind.router.add_post(answers.REVIEWS, gateway.review)
    front.router.add_get(route.path, handler)
    runners = [web.AppRunner(app) for app in (behind, front)]
    async with upstreams({"gateway": f"unix:{folder / 'g'}", "front": f"unix:{folder / 'f'}"}) as up:
        front[answers.UPSTREAMS] = up
        for runner, name in zip(runners, "gf", strict=True):
            await runner.setup()
            await web.UnixSite(runner, str(folder / name)).start()
        async with up.request("front", "GET", "/ws1/x", headers={HEADER: "signed"}):
            pass
        for runner in runners:
            await runner.cleanup()
    return results[0]


async def test_an_answer_that_is_here_is_not_fetched(tmp_path: Path) -> None:
    """What the gateway signed is taken from the identity, False and empty lists included."""
    gateway = Gateway()
    assert await asked(gateway, tmp_path, lambda r: answers.answer(r, "edit"), {"edit": False}) is False
    assert await asked(gateway, tmp_path, lambda r: answers.answer(r, "spaces"), {"spaces": []}) == []
    assert gateway.asked == []


async def test_an_answer_that_fits_no_header_is_fetched(tmp_path: Path) -> None:
    """At the gateway, with the caller's own identity and the route's parameters filled in."""
    gateway = Gateway()
    assert await asked(gateway, tmp_path, lambda r: answers.answer(r, "spaces"), {"spaces": ASK}) == ["ws1", "ws2"]
    assert await asked(gateway, tmp_path, lambda r: answers.answer(r, "edit"), {}) is True
    assert await asked(gateway, tmp_path, lambda r: answers.answer(r, "places"), {"places": ASK}) == ["p1"]
    edit = {"verb": "update", "resource": "users", "group": "iam.kubesphere.io", "scope": "Workspace"}
    assert gateway.asked == [
        ("signed", {"mine": [{"of": "workspaces"}]}),
        ("signed", {"may": [edit | {"workspace": "ws1", "namespace": ""}]}),
        ("signed", {"where": [{"verb": "get", "resource": "pods/log", "group": ""}]}),
    ]


async def test_what_turns_up_on_the_way_can_be_asked(tmp_path: Path) -> None:
    """Permissions and rules that only the body tells."""
    gateway = Gateway()
    assert await asked(gateway, tmp_path, lambda r: answers.may(r, [QUESTIONS[1], QUESTIONS[1]]), {}) == (True, True)
    assert await asked(gateway, tmp_path, lambda r: answers.may(r, []), {}) == ()
    rules = [{"verbs": ["*"], "resources": ["*"]}]
    assert await asked(gateway, tmp_path, lambda r: answers.holds(r, "ws1", rules), {}) is False
    assert gateway.asked[-1][1] == {"holds": [{"workspace": "ws1", "rules": rules}]}
    await asked(gateway, tmp_path, lambda r: answers.holds(r, "", rules, namespace="p1", scope="Namespace"), {})
    there = {"workspace": "", "namespace": "p1", "scope": "Namespace", "rules": rules}
    assert gateway.asked[-1][1] == {"holds": [there]}


@pytest.mark.parametrize(
    ("status", "said", "slug"),
    [
        (401, {}, "identity-expired"),
        (500, {}, "gateway-unwilling"),
        (200, {}, "gateway-answer"),
        (200, {"mine": []}, "gateway-answer"),
        (200, {"mine": 7}, "gateway-answer"),
        (200, [], "gateway-answer"),
    ],
)
async def test_no_answer_is_never_taken_for_one(status: int, said: Any, slug: str, tmp_path: Path) -> None:
    """A refusal, a failure and a short or strange answer are faults."""
    fault = await asked(Gateway(status, said), tmp_path, lambda r: answers.answer(r, "spaces"), {})
    assert fault.slug == slug
    unknown = await asked(Gateway(), tmp_path, lambda r: answers.answer(r, "never"), {})
    assert unknown.slug == "question-unknown"


async def test_streams_leave_room_for_requests(tmp_path: Path) -> None:
    """What lasts has connections of its own: as many as are opened, and a request still finds one."""
    async with serving(tmp_path) as addresses:
        up = Upstreams(addresses, connections=1)
        try:
            async with up.request("tcp", "GET", "/long", seconds=None), up.request("tcp", "GET", "/long", seconds=None):
                async with up.request("tcp", "GET", "/c", seconds=1) as answer:
                    assert answer.status == 200
                async with up.request("tcp", "GET", "/long", seconds=1):
                    with pytest.raises(Busy):
                        async with up.request("tcp", "GET", "/c", seconds=0.1):
                            pass
        finally:
            await up.close()
