"""What surrounds handlers: time, broken answers, redirects, what is seen of requests, and what replies tell."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from libs.shared.errors import Broken, Conflict
from libs.shared.event import Told, current_cause
from libs.shared.http.identity import GATEWAY, HEADER, TOLD
from libs.shared.http.route import Access, Route
from libs.shared.http.server import MOST_TOLD
from libs.shared.tests.http_stage import stage

V1 = "/kapis/x.orrery.io/v1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def hang(request: web.Request, parts: Any) -> web.Response:
    await asyncio.sleep(0.3)
    return web.Response(text="late")


async def own_timeout(request: web.Request, parts: Any) -> web.Response:
    raise TimeoutError("a handler's own")


async def break_off(request: web.Request, parts: Any) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"begun")
    raise Broken("disk", "the disk is full")


async def redirect(request: web.Request, parts: Any) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def cause(request: web.Request, parts: Any) -> web.Response:
    found = current_cause()
    return web.json_response({"actor": found.actor, "correlation": found.correlation, "trace": found.traceparent})


async def tell(request: web.Request, parts: int) -> web.Response:
    current_cause().told.extend(Told("UserCreated", f"e{number}") for number in range(parts))
    if request.path.endswith("then-fail"):
        raise Conflict("late", "committed, and then this")
    return web.Response()


async def lose(request: web.Request, parts: Any) -> web.Response:
    raise ConnectionResetError("a foreign system's, with 10.0.0.7 in it")


ROUTES = (
    Route("GET", V1 + "/hang", hang),
    Route("GET", V1 + "/stream", hang, streams=True),
    Route("GET", V1 + "/own-timeout", own_timeout),
    Route("GET", V1 + "/break", break_off),
    Route("GET", V1 + "/redirect", redirect),
    Route("GET", V1 + "/lose", lose),
    Route("POST", V1 + "/cause/{thing}", cause),
    Route("POST", V1 + "/tell", tell),
    Route("POST", V1 + "/then-fail", tell),
    Route("POST", "/internal/x/v1/review", cause, access=Access.INTERNAL, forwarded=True),
)


async def test_a_handler_has_its_time() -> None:
    """One that takes longer is 503 and may be tried again; one that streams has all the time it wants."""
    async with stage(ROUTES, seconds=0.05) as at:
        status, _, said = await at.ask("GET", V1 + "/hang")
        assert (status, json.loads(said)["slug"]) == (503, "too-slow")
        assert await at.ask("GET", V1 + "/stream") == (200, "text/plain", "late")
        assert (await at.ask("GET", V1 + "/own-timeout"))[0] == 500


async def test_a_covered_body_has_to_come_in_time() -> None:
    """A client that signs a body and never sends it is let go."""

    async def never() -> Any:
        yield b"x"
        await asyncio.sleep(5)

    async with stage(ROUTES, seconds=0.05) as at:
        headers = at.headers("POST", V1 + "/tell", digest="d" * 64)
        async with at.session.post(V1 + "/tell", data=never(), headers=headers) as answer:
            assert answer.status == 503
            assert (await answer.json())["slug"] == "body-slow"


async def test_an_answer_that_breaks_off_is_cut() -> None:
    """No second answer is written into the first: the client sees that it isn't whole."""
    async with stage(ROUTES) as at:
        with pytest.raises(aiohttp.ClientError):
            await at.ask("GET", V1 + "/break")
        assert '"slug": "disk"' in at.log.getvalue()
        assert (await at.ask("POST", V1 + "/cause/x"))[0] == 200


async def test_a_foreign_connection_error_is_our_mistake() -> None:
    """It isn't taken for the client's leaving: it is logged, and answered without its text."""
    async with stage(ROUTES) as at:
        status, _, said = await at.ask("GET", V1 + "/lose")
        assert (status, "10.0.0.7" in said) == (500, False)
        assert "10.0.0.7" in at.log.getvalue()


async def test_redirects_pass() -> None:
    """A handler's redirect isn't a miss."""
    async with stage(ROUTES) as at:
        assert (await at.ask("GET", V1 + "/redirect"))[0] == 302


async def test_the_cause_of_a_request() -> None:
    """Actor and correlation are the identity's, the trace goes on from the client's."""
    async with stage(ROUTES) as at:
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        _, _, said = await at.ask("POST", V1 + "/cause/x", headers=headers)
        found = json.loads(said)
        assert (found["actor"], found["correlation"]) == ("ann", "r1")
        assert found["trace"].startswith(f"00-{TRACE}-")
        assert "00f067aa0ba902b7" not in found["trace"]


async def test_a_reply_names_the_last_of_what_was_told() -> None:
    """As many as fit a header; on a refusal too, since what was committed stays."""
    async with stage(ROUTES, MOST_TOLD + 10) as at:
        for path, status in (("/tell", 200), ("/then-fail", 409)):
            async with at.session.post(V1 + path, headers=at.headers("POST", V1 + path)) as answer:
                assert answer.status == status
                named = answer.headers[TOLD].split(", ")
                assert (len(named), named[-1]) == (MOST_TOLD, f"UserCreated=e{MOST_TOLD + 9}")


async def test_a_forwarded_identity_serves_where_the_route_says_so() -> None:
    """A caller's identity for another request and service is taken there alone, and acts as that caller."""
    async with stage(ROUTES) as at:
        handed = at.headers("GET", V1 + "/hang", user="ben")
        _, _, said = await at.ask("POST", "/internal/x/v1/review", headers=handed)
        assert json.loads(said)["actor"] == "ben"
        assert (await at.ask("POST", V1 + "/tell", headers=handed))[0] == 401
        assert (await at.ask("POST", "/internal/x/v1/review", headers={HEADER: ""}))[0] == 401


async def test_the_document_is_the_gateways() -> None:
    """OpenAPI of the routes, at its path, for the gateway alone."""
    async with stage(ROUTES) as at:
        assert (await at.ask("GET", "/openapi/v1"))[0] == 403
        status, _, said = await at.ask("GET", "/openapi/v1", user=GATEWAY)
        assert (status, json.loads(said)["info"]["title"]) == (200, "Orrery: accounts")


async def test_two_routes_of_one_path_are_refused() -> None:
    """At the start, naming them."""
    with pytest.raises(Conflict, match=r"POST /kapis/x\.orrery\.io/v1/tell is served by two routes"):
        async with stage((ROUTES[7], ROUTES[7])):
            raise AssertionError


async def test_each_request_is_seen_once() -> None:
    """Spans, metrics and log by the route's pattern, misses and strange methods included; no query, no secret."""
    spans = InMemorySpanExporter()
    async with stage(ROUTES, processors=(SimpleSpanProcessor(spans),)) as at:
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        await at.ask("POST", V1 + "/cause/x?token=hunter2", headers=headers)
        await at.ask("GET", V1 + "/nothing-here")
        await at.ask("PROPFIND", V1 + "/tell")
        await at.ask("GET", V1 + "/own-timeout")
        told = [json.loads(line) for line in at.log.getvalue().splitlines()]
        metrics = generate_latest(at.telemetry.registry).decode()
    requests = [line for line in told if line["event"] == "request"]
    assert [(r["method"], r["route"], r["status"]) for r in requests] == [
        ("POST", V1 + "/cause/{thing}", 200),
        ("GET", "(none)", 404),
        ("(other)", "(none)", 405),
        ("GET", V1 + "/own-timeout", 500),
    ]
    assert (requests[0]["user"], requests[0]["correlation"], requests[0]["trace"]) == ("ann", "r1", TRACE)
    assert [r["level"] for r in requests] == ["info", "info", "info", "error"]
    assert "hunter2" not in at.log.getvalue()
    assert f'orrery_http_requests_total{{method="POST",route="{V1}/cause/{{thing}}",status="200"}} 1.0' in metrics
    assert 'orrery_http_requests_total{method="(other)",route="(none)",status="405"} 1.0' in metrics
    assert "nothing-here" not in metrics
    assert "orrery_http_requests_running 0.0" in metrics
    finished = spans.get_finished_spans()
    assert finished[0].name == f"POST {V1}/cause/{{thing}}"
    assert (finished[0].attributes or {})["http.response.status_code"] == 200
    assert not finished[3].status.is_ok


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"H%d: x\r\n" % n for n in range(500)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    ],
)
async def test_heads_are_bounded(raw: bytes) -> None:
    """Lines too long, headers too many, two framings at once and what isn't HTTP are 400, and the connection ends."""
    async with stage(ROUTES) as at:
        url = at.session._base_url
        assert url is not None
        reader, writer = await asyncio.open_connection(url.host, url.port, family=socket.AF_INET)
        writer.write(raw)
        assert (await reader.read()).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
        writer.close()
