"""Prometheus' own API and the other services' door: envelopes, refusals, remote write, and what hostile bodies get."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import AsyncIterator

import pytest

from services.monitoring.domain.moment import Moments
from services.monitoring.tests.stage import Client, now, opened, serving, virtual, wrote
from services.monitoring.tests.written import piece, request, snappy, varint

API = "/kapis/monitoring.orrery.io/v1/prometheus/api/v1"
INTERNAL = "/internal/monitoring/v1"
NOW = 1_767_225_600


@pytest.fixture
async def client(tmp_path) -> AsyncIterator[Client]:
    """A store with a few samples."""
    async with opened(tmp_path, query_samples=5000) as parts:
        for step in range(5):
            await wrote(parts, now(parts) - 60_000 + step * 15_000, up=1, load=step)
        async with serving(parts) as found:
            yield found


async def test_a_query_is_answered_as_prometheus_does(client):
    """GET and a form give the same; a range too; a number is a scalar."""
    expected = {"resultType": "vector", "result": [{"metric": {}, "value": [NOW, "1"]}]}
    query = {"query": "count(up == 1)", "time": str(NOW)}
    async with client.get(API + "/query", params=query) as got:
        assert await got.json() == {"status": "success", "data": expected}
    async with client.post(API + "/query", data=query) as got:
        assert await got.json() == {"status": "success", "data": expected}
    ranged = {"query": "load", "start": str(NOW - 30), "end": str(NOW), "step": "15s"}
    async with client.get(API + "/query_range", params=ranged) as got:
        points = [[NOW - 30, "2"], [NOW - 15, "3"], [NOW, "4"]]
        matrix = {"resultType": "matrix", "result": [{"metric": {"__name__": "load"}, "values": points}]}
        assert await got.json() == {"status": "success", "data": matrix}
    async with client.get(API + "/query", params={"query": "1 + 1", "time": "2026-01-01T00:00:00Z"}) as got:
        assert (await got.json())["data"] == {"resultType": "scalar", "result": [NOW, "2"]}


async def test_names_of_what_is_there_are_told(client):
    """Series, labels, values of a label."""
    async with client.get(API + "/series", params=[("match[]", "load"), ("match[]", "up")]) as got:
        assert (await got.json())["data"] == [{"__name__": "load"}, {"__name__": "up"}]
    async with client.get(API + "/labels") as got:
        assert (await got.json())["data"] == ["__name__"]
    async with client.get(API + "/label/__name__/values") as got:
        assert (await got.json())["data"] == ["load", "up"]
    async with client.get(API + "/series") as got:
        assert (got.status, (await got.json())["errorType"]) == (400, "bad_data")


BOTH = '{__name__=~"up|load"}'
REFUSED: tuple[tuple[str, dict[str, str], int, str, str], ...] = (
    ("/query", {}, 400, "bad_data", "parse error"),
    ("/query", {"query": "sum("}, 400, "bad_data", "parse error"),
    ("/query", {"query": 'up{a=~"("}'}, 400, "bad_data", "regex"),
    ("/query", {"query": "abs(" * 2000 + "up" + ")" * 2000}, 400, "bad_data", "operators and brackets"),
    ("/query", {"query": "up", "time": "tomorrow"}, 400, "bad_data", "cannot parse"),
    ("/query", {"query": "up", "time": "1e300"}, 400, "bad_data", "cannot parse"),
    ("/query", {"query": BOTH + " + on () group_left " + BOTH}, 422, "execution", "many-to-many"),
    ("/query_range", {"query": "up", "start": "0", "end": "11001", "step": "1"}, 400, "bad_data", "11,000 points"),
    ("/query_range", {"query": "up", "start": "1", "end": "0", "step": "1"}, 400, "bad_data", "end timestamp"),
    ("/query_range", {"query": "up", "start": "0", "end": "1", "step": "0"}, 400, "bad_data", "resolution step"),
    ("/query_range", {"query": "up", "start": "0", "end": "1", "step": "-5s"}, 400, "bad_data", "step"),
    ("/query_range", {"query": "up", "end": "1", "step": "5s"}, 400, "bad_data", "start"),
    ("/series", {"match[]": "sum(up)"}, 400, "bad_data", "selector"),
    ("/series", {"match[]": "up", "start": "x"}, 400, "bad_data", "start"),
)


async def test_bad_queries_are_refused_in_prometheus_envelope(client):
    """Status, kind, and a sentence that says what; the service goes on."""
    for path, query, status, kind, words in REFUSED:
        async with client.post(API + path, data=query) as got:
            told = await got.json()
            assert (got.status, told["status"], told["errorType"]) == (status, "error", kind), (query, told)
            assert words in told["error"], told


GREEDY = (
    "sum_over_time(vector(1)[1d:1s])",
    "sum_over_time(sum_over_time(vector(1)[1h:1s])[1d:1s])",
    "sum_over_time(up[100y:1ms])",
    "sum_over_time(vector(1)[100000d:1ms])",
)


async def test_a_query_that_looks_at_too_much_is_ended(client):
    """By the samples or steps that it may take, before they are made."""
    for expression in GREEDY:
        async with client.get(API + "/query", params={"query": expression, "time": str(NOW)}) as got:
            told = await got.json()
            assert (got.status, told["status"]) in ((400, "error"), (422, "error")), (expression, told)


async def test_a_query_that_waited_too_long_is_not_worked_on(tmp_path):
    """Its time is up before its turn: 503, and it may be asked again."""
    async with opened(tmp_path, query_seconds=0.001) as parts:
        asking = asyncio.create_task(parts.metrics.query({"": "up"}, Moments(NOW * 1000, NOW * 1000)))
        assert (await asking)[""].error == ""
        budget = parts.metrics._budget()  # type: ignore[attr-defined]  # what a query is given
        await virtual(parts).advance(1)
        assert budget.expired()


async def test_remote_write_is_told_by_the_next_query(client):
    """204 once it is on disk; the same once more is taken, another value of that moment is refused and told."""
    body = snappy(request([({"__name__": "pushed", "job": "a"}, [(NOW * 1000 - 5, 1.5), (NOW * 1000, 2.5)])]))
    for _ in range(2):
        async with client.post(API + "/write", data=body, headers={"Content-Encoding": "snappy"}) as got:
            if got.status != 204:
                assert "1 out of order or repeated; 1 kept" in (await got.text()).replace("0 samples too old, ", "")
    async with client.get(API + "/query", params={"query": "pushed", "time": str(NOW)}) as got:
        assert (await got.json())["data"]["result"][0]["value"] == [NOW, "2.5"]
    body = snappy(request([({"__name__": "pushed", "job": "a"}, [(NOW * 1000, 9.0)])]))
    async with client.post(API + "/write", data=body) as got:
        assert (got.status, "1 out of order or repeated" in await got.text()) == (400, True)


LABELS = {"__name__": "x"}
HOSTILE = {
    "nothing of snappy": (b"\xff" * 40, 400),
    "no protocol buffer": (snappy(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 400),
    "an unknown wire type": (snappy(b"\x0b\x0b"), 400),
    "a bomb that says its size": (varint(4 << 30) + b"\xfe\x01\x00" * 100, 413),
    "a bomb that lies": (varint(100) + b"\x00x" + b"\xfe\x01\x00" * 100_000, 400),
    "a copy from before the start": (varint(8) + b"\x01\x10" * 2, 400),
    "a length past the end": (snappy(varint(1 << 3 | 2) + varint(1 << 40)), 400),
    "no name": (snappy(request([({"job": "a"}, [(NOW * 1000, 1.0)])])), 422),
    "a label twice": (snappy(piece(1, piece(1, piece(1, b"a") + piece(2, b"b")) * 2)), 422),
    "a label of a megabyte": (snappy(request([({**LABELS, "big": "x" * (1 << 20)}, [(NOW * 1000, 1.0)])])), 422),
    "many labels": (snappy(request([({**LABELS, **{f"l{n}": "x" for n in range(100)}}, [(1, 1.0)])])), 422),
    "a label that is no text": (snappy(piece(1, piece(1, piece(1, b"\xff\xfe") + piece(2, b"b")))), 400),
    "a moment in the year 10000": (snappy(request([(LABELS, [(253_402_300_800_000, 1.0)])])), 400),
    "a moment long ago": (snappy(request([(LABELS, [(1, 1.0)])])), 400),
}


async def test_hostile_bodies_are_refused_and_keep_nothing(client):
    """Each for its reason; afterwards the store holds what it held, and takes what is right."""
    for name, (body, status) in HOSTILE.items():
        async with client.post(API + "/write", data=io.BytesIO(body)) as got:
            assert got.status == status, (name, await got.text())
    async with client.post(API + "/write", data=b"x", headers={"Content-Encoding": "lz4"}) as got:
        assert got.status == 415
    async with client.get(API + "/labels") as got:
        assert (await got.json())["data"] == ["__name__"]
    chance = random.Random(5)  # noqa: S311  # damage, the same each time
    for _ in range(300):
        raw = bytearray(snappy(request([(LABELS, [(NOW * 1000, 1.0)])])))
        for _ in range(chance.randrange(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        async with client.post(API + "/write", data=bytes(raw)) as got:
            assert got.status in (204, 400, 413, 422)


async def test_other_services_ask_without_an_envelope(client):
    """Prometheus' data; what is refused is a 422 with the words; a bad body as well."""
    async with client.post(INTERNAL + "/query", json={"query": "load > 3", "time": NOW}) as got:
        row = {"metric": {"__name__": "load"}, "value": [NOW, "4"]}
        assert await got.json() == {"resultType": "vector", "result": [row]}
    body = {"query": "load", "start": NOW - 15, "end": NOW, "step": 15}
    async with client.post(INTERNAL + "/query_range", json=body) as got:
        assert (await got.json())["result"][0]["values"] == [[NOW - 15, "3"], [NOW, "4"]]
    async with client.post(INTERNAL + "/parse", json={"query": "sum(up)"}) as got:
        assert got.status == 200
    for path, refused in (
        ("/parse", {"query": "sum("}),
        ("/query", {"query": "sum("}),
        ("/query", {"query": "up", "time": "soon"}),
        ("/query", {"query": "up", "more": 1}),
        ("/query", {"query": "u" * 20_000}),
        ("/query_range", {**body, "end": 0}),
        ("/query_range", {**body, "step": 0}),
    ):
        async with client.post(INTERNAL + path, json=refused) as got:
            assert got.status == 422, (refused, await got.text())
            assert (await got.json())["detail"]
