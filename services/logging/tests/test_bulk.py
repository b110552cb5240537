"""Elasticsearch's bulk request: what is kept, what is refused, and that the rest of a request doesn't mind."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from pathlib import Path

import pytest

from services.logging.clients.index import index as index_module
from services.logging.domain.entry import LOGS, Kept
from services.logging.domain.log import entry_of
from services.logging.tests.stage import ES, ask, bulk, line, logs, opened, send, serving


async def test_kept_is_found(tmp_path: Path) -> None:
    """A document is found as soon as its request is answered, by a word of it, in a year ahead; and after a restart."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        told = await send(client, line("needle-4711 arrived\n"))
        assert (told["errors"], told["items"][0]["index"]["status"]) == (False, 201)
        assert await logs(client, "log_query=4711&start_time=1935000000") == ["needle-4711 arrived\n"]
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        assert await logs(client, "log_query=4711") == ["needle-4711 arrived\n"]


async def test_sent_twice_is_kept_once(tmp_path: Path) -> None:
    """An id makes a repeated document replace itself; `create` leaves what stands and says so; without ids there are
    two.
    """
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        assert (await send(client, {**line("first"), "_id": "a"}))["items"][0]["index"]["result"] == "created"
        assert (await send(client, {**line("again"), "_id": "a"}))["items"][0]["index"]["result"] == "updated"
        told = await send(client, {**line("third"), "_id": "a"}, action="create")
        assert (told["errors"], told["items"][0]["create"]["status"]) == (True, 409)
        assert await logs(client, "") == ["again"]
        await send(client, line("x"), line("x"))
        assert await logs(client, "log_query=x") == ["x", "x"]
        await send(client, {**line("one"), "_id": "b"}, {**line("two"), "_id": "b"})
        assert await logs(client, "log_query=one,two") == ["two"]


async def test_bad_items_beside_good_ones(tmp_path: Path) -> None:
    """Each document has an outcome of its own; what is wrong is named, the others are kept."""
    lines = [
        b'{"index": {"_index": "elsewhere"}}\n{"log": "x"}',
        b'{"delete": {"_index": "ks-logstash-log", "_id": "a"}}',
        b'{"index": {"_index": "ks-logstash-log"}}\nnonsense',
        b'{"index": {"_index": "ks-logstash-log"}}\n{"log": "no time"}',
        b'{"index": {"_index": "ks-logstash-log"}}\n{"log": ["no text"], "time": "2031-05-06T08:00:00Z"}',
        b'{"index": {"_index": "ks-logstash-log"}}\n{"log": "x", "time": "2031-05-06T08:00:00Z", "kubernetes": 7}',
        b'{"index": {"_index": "ks-logstash-log", "_id": 7}}\n{"log": "x"}',
        b'{"index": {"_index": "ks-logstash-events"}}\n{"reason": "no object"}',
    ]
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        body = b"\n".join(lines) + b"\n" + bulk(line("good"))
        async with client.post(f"{ES}/_bulk", data=body) as response:
            told = await response.json()
        statuses = [next(iter(item.values()))["status"] for item in told["items"]]
        assert statuses == [404, 400, 400, 400, 400, 400, 400, 400, 201]
        assert told["errors"] is True
        assert await logs(client, "") == ["good"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense\n", 400),
        (b'{"index": {}}\n', 400),
        (b'{"explode": {}}\n{}\n', 400),
        (b'{"index": {}, "create": {}}\n{}\n', 400),
        (b"[1]\n", 400),
        (b'{"index": []}\n{}\n', 400),
    ],
)
async def test_no_bulk_request(tmp_path: Path, body: bytes, status: int) -> None:
    """Where actions and documents can't be told apart, nothing is kept."""
    async with (
        opened(tmp_path) as parts,
        serving(parts) as (client, _),
        client.post(f"{ES}/_bulk", data=body) as response,
    ):
        assert response.status == status


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(bulk(line("packed")), mtime=0), "gzip", 200),
        (gzip.compress(b"\n" * (17 << 20), mtime=0), "gzip", 413),
        (gzip.compress(bulk(line("packed")), mtime=0)[:-12], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (zlib.compress(b"x"), "deflate", 415),
    ],
)
async def test_packed_bodies(tmp_path: Path, body: bytes, encoding: str, status: int) -> None:
    """gzip is taken, up to what it unpacks to; a small body that unpacks to a huge one is refused before it does."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        headers = {"Content-Encoding": encoding}
        async with client.post(
            f"{ES}/_bulk", data=body, headers=headers, skip_auto_headers=["Content-Type"]
        ) as response:
            assert response.status == status, await response.text()
        assert await logs(client, "") == (["packed"] if status == 200 else [])


async def test_index_in_the_path(tmp_path: Path) -> None:
    """An action without an index takes the path's; clients find a version and a health to ask for."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        body = bulk(line("by path")).replace(b'"_index":"ks-logstash-log-2031.05.06"', b"")
        async with client.post(f"{ES}/ks-logstash-log-2031.05.06/_bulk", data=body) as response:
            assert (await response.json())["errors"] is False
        assert await logs(client, "") == ["by path"]
        async with client.get(f"{ES}/") as response:
            assert (await response.json())["version"]["number"].startswith("7.")
        async with client.get(f"{ES}/_cat/health") as response:
            assert "green" in await response.text()


async def test_many_days(tmp_path: Path) -> None:
    """Documents of many days are kept, each under its own; one day more than there may be is refused alone."""
    async with opened(tmp_path, most_days=8) as parts, serving(parts) as (client, _):
        documents = [line(f"day {day}", at=f"20{day:02}-05-06T08:00:00Z") for day in range(20, 30)]
        told = await send(client, *documents)
        statuses = [item["index"]["status"] for item in told["items"]]
        assert (statuses.count(201), statuses.count(400)) == (8, 2)
        assert (await ask(client, "/logs?operation=statistics"))["statistics"]["logs"] == 8


async def test_too_much_at_once(tmp_path: Path) -> None:
    """What waits for a commit is bounded: beyond, senders are told to come again, and nothing is kept of it."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        index = parts.keeping.index
        entry = entry_of(line("x" * 1000))
        many = [entry] * (index_module.MOST_WAITING // entry.size)
        first = asyncio.create_task(index.keep(LOGS, many))
        await asyncio.sleep(0)
        async with client.post(f"{ES}/_bulk", data=bulk(line("late" * 500))) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "1")
        first.cancel()
        assert await index.keep(LOGS, [entry_of(line("after"))]) == [Kept("created")]
