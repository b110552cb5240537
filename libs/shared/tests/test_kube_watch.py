"""Watches through everything that servers do to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from libs.shared.errors import Denied, Missing
from libs.shared.kube.watch import Change, What
from libs.shared.testing.clock import eventually
from libs.shared.tests.kube_world import END, PODS, World, event, pod, status, world

Told = list[tuple[str, str]]


@asynccontextmanager
async def watching(stage: World, told: list[Change], **query: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Note what a watch tells while the block runs."""

    async def note() -> None:
        async with aclosing(stage.kube.watch(PODS, **query)) as changes:
            async for change in changes:
                told.append(change)  # noqa: PERF401  # each as it comes

    task = asyncio.create_task(note())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(told: list[Change]) -> Told:
    """What was told, by name."""
    return [(change.type.value, change.object.get("metadata", {}).get("name", "")) for change in told]


async def reached(stage: World, told: list[Change], count: int) -> None:
    """Return when so much was told, letting the client's pauses pass."""

    async def passing() -> None:
        while len(told) < count:
            await stage.clock.advance(1)
            await asyncio.sleep(0.002)

    await asyncio.wait_for(passing(), 5)


async def test_a_list_in_pages_then_each_change() -> None:
    """Everything that stands, by kind; SYNCED once; then changes from the list's version on, filtered by the server."""
    async with world() as stage:
        stage.server.items = [pod(f"p{i}", i) for i in range(5)]
        stage.server.scripts = [
            [
                event("MODIFIED", pod("p1", 11)),
                event("ADDED", pod("new", 12)),
                event("DELETED", pod("p0", 13)),
                asyncio.Future(),
            ]
        ]
        told: list[Change] = []
        async with watching(stage, told, labelSelector="a=b"):
            await eventually(lambda: len(told) == 9)
        assert said(told)[:6] == [("ADDED", f"p{i}") for i in range(5)] + [("SYNCED", "")]
        assert said(told)[6:] == [("MODIFIED", "p1"), ("ADDED", "new"), ("DELETED", "p0")]
        assert (told[0].object["kind"], told[0].object["apiVersion"]) == ("Pod", "v1")
        assert told[8].object["spec"] == {"big": "x"}
        watch = stage.server.watches[0].query
        assert (watch["resourceVersion"], watch["allowWatchBookmarks"], watch["labelSelector"]) == ("10", "true", "a=b")
        assert len(stage.server.lists) == 3


async def test_it_goes_on_where_it_was() -> None:
    """An ended watch is opened at the last version heard, a bookmark's included; what is replayed is told once."""
    async with world() as stage:
        stage.server.items = [pod("a", 1)]
        stage.server.scripts = [
            [event("MODIFIED", pod("a", 11)), event("BOOKMARK", pod("", 20)), END],
            [event("MODIFIED", pod("a", 11)), event("MODIFIED", pod("a", 21)), asyncio.Future()],
        ]
        told: list[Change] = []
        async with watching(stage, told):
            await reached(stage, told, 4)
        assert said(told) == [("ADDED", "a"), ("SYNCED", ""), ("MODIFIED", "a"), ("MODIFIED", "a")]
        assert [one.query["resourceVersion"] for one in stage.server.watches] == ["10", "20"]
        assert len(stage.server.lists) == 1


@pytest.mark.parametrize("refusal", [[410], [event("ERROR", status(410, "Expired"))]])
async def test_a_forgotten_version_is_listed_again(refusal: list[object]) -> None:
    """410 as a status and as an event: what came, changed, vanished or was made anew meanwhile is told, and no more."""
    async with world() as stage:
        stage.server.items = [pod("same", 1), pod("changed", 2), pod("gone", 3, team="x"), pod("anew", 4)]
        gate: asyncio.Future[None] = asyncio.Future()
        stage.server.scripts = [[event("BOOKMARK", pod("", 10)), gate, END], refusal]
        told: list[Change] = []
        async with watching(stage, told):
            await eventually(lambda: len(stage.server.watches) == 1)
            stage.server.items = [pod("same", 1), pod("changed", 12), pod("new", 13), pod("anew", 14, uid="other")]
            stage.server.revision = 20
            gate.set_result(None)
            await reached(stage, told, 11)
        assert said(told)[5:] == [
            ("MODIFIED", "changed"),
            ("ADDED", "new"),
            ("DELETED", "anew"),
            ("ADDED", "anew"),
            ("DELETED", "gone"),
            ("SYNCED", ""),
        ]
        vanished = told[9].object
        assert (vanished["kind"], vanished["metadata"]["labels"]) == ("Pod", {"team": "x"})
        assert "spec" not in vanished
        assert stage.server.watches[-1].query["resourceVersion"] == "20"


async def test_pages_that_expire_are_asked_for_at_once() -> None:
    """A list whose version is forgotten between two pages is taken without pages; nothing is told twice."""
    async with world() as stage:
        stage.server.items = [pod(f"p{i}", i) for i in range(5)]
        stage.server.expire_pages = 1
        told: list[Change] = []
        async with watching(stage, told):
            await reached(stage, told, 6)
        assert said(told) == [("ADDED", f"p{i}") for i in range(5)] + [("SYNCED", "")]
        assert "limit" not in stage.server.lists[-1].query


async def test_silence_is_ended() -> None:
    """A server that says nothing for the time set is asked anew, from the same version; a word puts it off."""
    async with world() as stage:
        word: asyncio.Future[None] = asyncio.Future()
        stage.server.scripts = [[word, event("BOOKMARK", pod("", 15)), asyncio.Future()]]
        told: list[Change] = []
        async with watching(stage, told, idle=60):
            await eventually(lambda: len(stage.server.watches) == 1 and stage.clock.sleepers == 1)
            await stage.clock.advance(50)
            word.set_result(None)
            await asyncio.sleep(0.05)
            await stage.clock.advance(50)
            assert len(stage.server.watches) == 1
            await stage.clock.advance(11)
            await eventually(lambda: len(stage.server.watches) == 2)
        assert [one.query["resourceVersion"] for one in stage.server.watches] == ["10", "15"]


async def test_a_server_that_ends_each_watch_is_not_hurried() -> None:
    """Watches that end at once with nothing said are opened with growing pauses, bounded."""
    async with world() as stage:
        stage.server.scripts = [[END] for _ in range(100)]
        told: list[Change] = []
        async with watching(stage, told):
            for _ in range(60):
                await asyncio.sleep(0.002)
                await stage.clock.advance(1)
        assert 5 <= len(stage.server.watches) <= 12


@pytest.mark.parametrize("line", [b"{nonsense\n", b'{"type": "ADDED", "object": {}}\n', b"[]\n"])
async def test_what_cannot_be_read_is_listed(line: bytes) -> None:
    """A line that is no event loses nothing: the list says what it was about."""
    async with world() as stage:
        gate: asyncio.Future[None] = asyncio.Future()
        stage.server.scripts = [[event("BOOKMARK", pod("", 10)), gate, line, asyncio.Future()]]
        told: list[Change] = []
        async with watching(stage, told):
            await eventually(lambda: len(stage.server.watches) == 1)
            stage.server.items = [pod("late", 11)]
            gate.set_result(None)
            await reached(stage, told, 3)
        assert said(told) == [("SYNCED", ""), ("ADDED", "late"), ("SYNCED", "")]


async def test_a_failing_server_is_waited_for() -> None:
    """5xx and 429, in lists and watches, are waited out."""
    async with world() as stage:
        stage.server.scripts = [[503], [429], [event("ADDED", pod("a", 11)), asyncio.Future()]]
        told: list[Change] = []
        async with watching(stage, told):
            await reached(stage, told, 2)
        assert said(told) == [("SYNCED", ""), ("ADDED", "a")]
        assert len(stage.server.lists) == 1


@pytest.mark.parametrize(("code", "fault"), [(403, Denied), (404, Missing)])
async def test_what_waiting_would_not_mend_is_raised(code: int, fault: type[Exception]) -> None:
    """No right, or no such kind: whoever watches is told."""
    async with world() as stage:
        stage.server.scripts = [[code]]
        watch = stage.kube.watch(PODS)
        assert (await anext(watch)).type is What.SYNCED
        with pytest.raises(fault):
            await anext(watch)
