"""Another's Prometheus as the source: asked in its own API, whatever state it is in; nothing of it brings us down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.shared.errors import Broken, Busy, Invalid
from services.monitoring.clients.prometheus import Prometheus
from services.monitoring.domain.answer import Answer, Row
from services.monitoring.domain.moment import Moments
from services.monitoring.settings import MonitoringSettings

NOW = Moments(1_767_225_600_000, 1_767_225_600_000)
RANGE = Moments(1_767_225_540_000, 1_767_225_600_500, 30_000, ranged=True)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def standing(handler: Handler, seconds: float = 5) -> AsyncIterator[Prometheus]:
    """The client of a server that answers everything by this handler."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    async with TestServer(app) as server:
        settings = MonitoringSettings(query_seconds=seconds)
        client = Prometheus(f"prometheus+http://me:s3cret@127.0.0.1:{server.port}/base", settings)
        try:
            yield client
        finally:
            await client.close()


async def test_it_is_asked_in_its_own_api() -> None:
    """Forms, seconds, the login apart from the address; a page of expressions at one moment and over a range."""
    seen = []

    async def answered(request: web.Request) -> web.Response:
        form = await request.post()
        seen.append((request.path, dict(form), request.headers["Authorization"]))
        kind, point = ("matrix", "values") if "range" in request.path else ("vector", "value")
        value = [[1767225540, "1"], [1767225570.5, "NaN"]] if kind == "matrix" else [1767225600, "1"]
        result = [{"metric": {"a": "b"}, point: value}]
        return web.json_response({"status": "success", "data": {"resultType": kind, "result": result}})

    async with standing(answered) as client:
        found = await client.query({"one": "up", "two": "up + 1"}, NOW)
        assert found["one"] == found["two"] == Answer("vector", (Row({"a": "b"}, ((1767225600, "1"),)),))
        ranged = (await client.query({"": "up"}, RANGE))[""]
    assert ranged.rows[0].points == ((1767225540, "1"), (1767225570.5, "NaN"))
    assert {path for path, _, _ in seen} == {"/base/api/v1/query", "/base/api/v1/query_range"}
    assert seen[-1][1] == {"query": "up", "start": "1767225540", "end": "1767225600.5", "step": "30"}
    assert {login for _, _, login in seen} == {"Basic bWU6czNjcmV0"}


async def test_series_are_told_by_their_labels() -> None:
    """With the selectors that are given, with all of them otherwise."""

    async def answered(request: web.Request) -> web.Response:
        form = await request.post()
        return web.json_response({"status": "success", "data": [{"m": one} for one in form.getall("match[]")]})

    async with standing(answered) as client:
        assert await client.series(["a", "b"], 0, 1000) == [(("m", "a"),), (("m", "b"),)]
        assert await client.series([], 0, 1000) == [(("m", '{__name__!=""}'),)]


async def test_what_it_refuses_is_told_in_its_words() -> None:
    """The kind and the sentence; other expressions of the page are answered."""

    async def answered(request: web.Request) -> web.Response:
        if (await request.post())["query"] == "(":
            refusal = {"status": "error", "errorType": "bad_data", "error": "parse error: unclosed"}
            return web.json_response(refusal, status=400)
        return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}})

    async with standing(answered) as client:
        found = await client.query({"bad": "(", "good": "2"}, NOW)
        assert found["bad"].error == "bad_data: parse error: unclosed"
        assert found["good"] == Answer("scalar", (Row({}, ((1, "2"),)),))
        with pytest.raises(Invalid, match="unclosed"):
            await client._asked("query", {"query": "("})


async def _html(_: web.Request) -> web.Response:
    return web.Response(text="<html>502 Bad Gateway</html>", status=502, content_type="text/html")


async def _list(_: web.Request) -> web.Response:
    return web.json_response(["what", "is", "this"])


async def _no_data(_: web.Request) -> web.Response:
    return web.json_response({"status": "success"})


async def _odd_rows(_: web.Request) -> web.Response:
    return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [{"metric": 5}]}})


async def _odd_points(_: web.Request) -> web.Response:
    row = {"metric": {}, "value": [1, "2", "3"]}
    return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [row]}})


async def _elsewhere(_: web.Request) -> web.Response:
    raise web.HTTPFound("http://127.0.0.1:1/else")


async def _cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b'{"status": "succ')
    assert request.transport is not None
    request.transport.abort()
    return answer


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(65):
        await answer.write(b" " * (1 << 20))
    return answer


@pytest.mark.parametrize("odd", [_html, _list, _no_data, _odd_rows, _odd_points, _elsewhere, _cut, _endless])
async def test_nonsense_is_an_error_of_each_expression(odd: Handler) -> None:
    """Never an exception, never an invented value: `error` says that Prometheus told none of its API, or nothing."""
    async with standing(odd) as client:
        found = await client.query({"a": "up", "b": "down"}, NOW)
        assert {answer.kind for answer in found.values()} == {""}
        assert all("Prometheus" in answer.error for answer in found.values()), found


async def test_one_that_is_slow_is_not_waited_for() -> None:
    """The time of a query is over: an error, and the next query is asked all the same."""
    waiting = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await waiting.wait()
        return web.Response()

    async with standing(slow, seconds=0.05) as client:
        assert "does not answer" in (await client.query({"": "up"}, NOW))[""].error
        with pytest.raises(Busy):
            await client.series(["up"], 0, 1)
        waiting.set()


async def test_one_that_is_down_is_told_of_without_its_password() -> None:
    """`error` beside the metrics; nothing of the login in it."""
    client = Prometheus("prometheus+http://me:s3cret@127.0.0.1:9", MonitoringSettings())
    try:
        said = (await client.query({"": "up"}, NOW))[""].error
        assert "does not answer" in said
        assert "s3cret" not in said
        with pytest.raises((Busy, Broken)):
            await client.series(["up"], 0, 1)
    finally:
        await client.close()


@pytest.mark.parametrize("address", ["prometheus+ftp://x", "prometheus+http:", "prometheus+http://", "prometheus+x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """By the setting's name, before anything is asked."""
    with pytest.raises(Invalid, match="ORRERY_METRICS"):
        Prometheus(address, MonitoringSettings())
