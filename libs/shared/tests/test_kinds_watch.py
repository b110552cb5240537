"""Watches of kinds: what is told, in which order, from where on, and how they end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from libs.shared.http.identity import HEADER
from libs.shared.kinds import lines, watch
from libs.shared.kinds.watch import BOOKMARK_EVERY
from libs.shared.tests.kinds_service import API, VAULTS, Bank, Vault, bank

SOON = 10.0


@pytest.fixture
async def served(tmp_path):
    async with bank(tmp_path, changes=10) as running:
        yield running


class Told:
    """What a watch has told so far, event by event."""

    def __init__(self, response) -> None:
        self._response = response

    async def next(self) -> dict:
        """The next event."""
        line = await asyncio.wait_for(self._response.content.readline(), SOON)
        assert line, "the watch has ended"
        return json.loads(line)

    async def brief(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]

    async def ended(self) -> bool:
        """Whether it ends now, with nothing more to tell."""
        return await asyncio.wait_for(self._response.content.readline(), SOON) == b""


@asynccontextmanager
async def watching(served: Bank, query: str = "", path: str = VAULTS) -> AsyncIterator[Told]:
    async with served.session.get(f"{served.url}{path}?{query}") as response:
        assert response.status == 200, await response.text()
        yield Told(response)


async def revision(served: Bank) -> str:
    return (await served.ask("GET", VAULTS))[1]["metadata"]["resourceVersion"]


async def test_what_stands_comes_first_then_what_happens(served: Bank):
    """Without a revision what stands is ADDED, oldest write first; then each write is told once, as what it was."""
    await served.make("b")
    await served.make("a")
    async with watching(served, "watch=true") as told:
        assert await told.brief(2) == [("ADDED", "b"), ("ADDED", "a")]
        await served.make("c", code="s3cret")
        await served.patch(f"{VAULTS}/c", {"spec": {"colour": "red"}})
        await served.ask("DELETE", f"{VAULTS}/c")
        added, changed, removed = [await told.next() for _ in range(3)]
    assert [added["type"], changed["type"], removed["type"]] == ["ADDED", "MODIFIED", "DELETED"]
    assert changed["object"]["kind"] == "Vault"
    assert changed["object"]["spec"] == {"colour": "red"}
    assert "s3cret" not in json.dumps([added, changed, removed])
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in (added, changed, removed)]
    assert versions == sorted(set(versions))


async def test_a_watch_resumes_where_it_is_told_to(served: Bank):
    """From a list's revision exactly what came after is told, nothing twice and nothing left out."""
    await served.make("a")
    await served.make("b")
    start = await revision(served)
    await served.make("c")
    await served.ask("DELETE", f"{VAULTS}/a")
    async with watching(served, f"watch=1&resourceVersion={start}") as told:
        assert await told.brief(2) == [("ADDED", "c"), ("DELETED", "a")]


async def test_what_was_written_together_is_told_again_on_resuming_inside_it(served: Bank):
    """When several objects change in one revision, a client that saw only the first of them misses none."""

    async def together(unit):
        for name in ("x", "y"):
            await unit.of(Vault).add(Vault(name=name, uid=name, created=""))

    await served.parts.store.transact(together)
    async with watching(served, f"watch=true&resourceVersion={await revision(served)}") as told:
        assert await told.brief(2) == [("ADDED", "x"), ("ADDED", "y")]
        await served.make("z")
        assert await told.brief(1) == [("ADDED", "z")]


async def test_selectors_turn_changes_into_comings_and_goings(served: Bank):
    """An object that begins to match is ADDED, one that stops is DELETED, one that never did is not told."""
    await served.make("a", labels={"env": "test"})
    async with watching(served, "watch=true&labelSelector=env=prod") as told:
        await served.make("other")
        await served.patch(f"{VAULTS}/a", {"metadata": {"labels": {"env": "prod"}}})
        await served.patch(f"{VAULTS}/a", {"spec": {"colour": "red"}})
        await served.patch(f"{VAULTS}/a", {"metadata": {"labels": {"env": "test"}}})
        await served.ask("DELETE", f"{VAULTS}/a")
        await served.make("b", labels={"env": "prod"})
        assert await told.brief(4) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]


@pytest.mark.parametrize("path", [f"{API}/watch/vaults/a", f"{VAULTS}?fieldSelector=metadata.name=a&watch=true&x="])
async def test_one_object_is_watched(served: Bank, path):
    """By the old path or by a field selector on the name, only that object is told of."""
    await served.make("a")
    await served.make("b")
    async with watching(served, path=path) as told:
        assert await told.brief(1) == [("ADDED", "a")]
        await served.ask("DELETE", f"{VAULTS}/b")
        await served.ask("DELETE", f"{VAULTS}/a")
        assert await told.brief(1) == [("DELETED", "a")]


async def test_the_old_path_over_a_websocket(served: Bank):
    """The console's form: an upgrade on the old path, one text frame an event, the standing objects first."""
    await served.make("a")
    async with served.session.ws_connect(f"{served.url}{API}/watch/vaults") as socket:
        first = await socket.receive_json(timeout=SOON)
        assert (first["type"], first["object"]["kind"]) == ("ADDED", "Vault")
        await served.ask("DELETE", f"{VAULTS}/a")
        assert (await socket.receive_json(timeout=SOON))["type"] == "DELETED"


async def test_the_time_of_a_watch_is_bounded(served: Bank):
    """A watch ends by itself after timeoutSeconds, and after the longest time where none is asked."""
    for query, seconds in (("timeoutSeconds=5", 5), ("", watch.LONGEST)):
        async with watching(served, f"watch=true&{query}") as told:
            ending = asyncio.create_task(told.ended())
            while not ending.done():
                await served.parts.clock.advance(seconds / 2)
                await asyncio.sleep(0.001)
            assert await ending
        assert served.parts.clock.monotonic() >= seconds


async def test_initial_events_end_with_a_bookmark(served: Bank):
    """sendInitialEvents tells what stands, then an annotated bookmark; without it nothing standing is told."""
    await served.make("a")
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with watching(served, query) as told:
        assert await told.brief(1) == [("ADDED", "a")]
        bookmark = await told.next()
        assert bookmark["type"] == "BOOKMARK"
        assert bookmark["object"]["metadata"] == {
            "resourceVersion": await revision(served),
            "annotations": {"k8s.io/initial-events-end": "true"},
        }
    async with watching(served, "watch=true&sendInitialEvents=false") as told:
        await served.make("b")
        assert await told.brief(1) == [("ADDED", "b")]
    status, answer = await served.ask("GET", f"{VAULTS}?watch=true&sendInitialEvents=true")
    assert (status, "requires setting resourceVersionMatch" in answer["message"]) == (422, True)


async def test_bookmarks_tell_how_far_a_quiet_watch_has_come(served: Bank):
    """What the selectors leave out still moves the watch on: a bookmark says so, and resuming there loses nothing."""
    async with watching(served, "watch=true&allowWatchBookmarks=true&labelSelector=env=prod") as told:
        for number in range(3):
            await served.make(f"other-{number}")
        reading = asyncio.create_task(told.next())
        while not reading.done():
            await served.parts.clock.advance(BOOKMARK_EVERY)
            await asyncio.sleep(0.001)
        bookmark = await reading
    assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "Vault")
    assert bookmark["object"]["metadata"]["resourceVersion"] == await revision(served)


async def test_a_revision_that_is_not_kept_is_an_error_event(served: Bank):
    """Too old, or still to come: one ERROR event with a 410 Status, then the end."""
    await served.make("a")
    for number in range(15):
        await served.patch(f"{VAULTS}/a", {"metadata": {"labels": {"n": str(number)}}})
    for asked in ("1", "99999"):
        async with watching(served, f"watch=true&resourceVersion={asked}") as told:
            error = await told.next()
            assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
            assert await told.ended()


async def slow_connection(served: Bank):
    """A connection whose end takes little before it must be read."""
    host, port = served.url.removeprefix("http://").split(":")
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(end, (host, int(port)))
    return await asyncio.open_connection(sock=end, limit=1024)


async def test_a_slow_reader_is_cut(served: Bank, monkeypatch):
    """A reader that takes nothing is told so behind what he has not read, and let go; nothing is kept for him."""
    monkeypatch.setattr(lines, "PATIENCE", 0.2)
    monkeypatch.setattr(lines, "FAREWELL", 0.2)
    for number in range(8):
        await served.make(f"big-{number}", colour="x" * (1 << 20))
    others = served.connections
    reader, writer = await slow_connection(served)
    target = f"{VAULTS}?watch=true"
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\n{HEADER}: {served.header('GET', target)}\r\n\r\n"
    writer.write(head.encode())
    for standing in (others + 1, others):
        async with asyncio.timeout(SOON):
            while served.connections != standing:  # noqa: ASYNC110  # a server tells of its connections only when asked
                await asyncio.sleep(0.01)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(8 << 20), SOON)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_watch_ends_when_its_client_leaves(served: Bank):
    """The handler notices that nobody listens and stops pulling changes."""
    async with watching(served, "watch=true") as told:
        await served.make("a")
        assert await told.brief(1) == [("ADDED", "a")]
        watchers = [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task)]
        assert watchers
    before = len(asyncio.all_tasks())
    for _ in range(50):
        await served.parts.clock.advance(1)
        await asyncio.sleep(0.01)
        if served.parts.clock.sleepers == 0:
            break
    assert served.parts.clock.sleepers == 0
    assert len(asyncio.all_tasks()) <= before


async def test_a_kind_that_is_not_watched(served: Bank):
    """Watching a kind whose changes are not kept is refused with a sentence, and its old path does not exist."""
    status, answer = await served.ask("GET", f"{API}/slots?watch=true")
    assert (status, answer["message"]) == (405, "slots.bank.example.io can't be watched")
    async with served.session.get(f"{served.url}{API}/watch/slots") as response:
        assert response.status == 404
