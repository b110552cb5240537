"""Streams: following, resuming, being cut; and that nobody gets what he may no longer see."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from libs.shared.bell import Bell
from libs.shared.contracts.accounts_v1 import (
    SessionEnded,
    Subject,
    UserCreated,
    UserDisabled,
    WorkspaceChanged,
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceMemberInvited,
    WorkspaceMemberRemoved,
    WorkspaceRoleUnbound,
)
from libs.shared.event import Envelope
from libs.shared.testing.clock import START, VirtualClock
from services.events.parts import Parts
from services.events.parts.feed import Feed
from services.events.shapes import log as shapes
from services.events.tests.stage import (
    PATH,
    Callers,
    Client,
    envelope,
    following,
    identity,
    opened,
    serving,
    tell,
    until,
    working,
)
from services.events.workers import log as workers


class Stage(NamedTuple):
    """The service at work."""

    parts: Parts
    client: Client
    callers: Callers


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    callers = Callers()
    async with opened(tmp_path) as parts, working(parts), serving(parts, callers) as client:
        yield Stage(parts, client, callers)


def user(name: str) -> Envelope:
    return envelope(UserCreated(user=name), f"users/{name}")


def changed(space: str, by: str = "") -> Envelope:
    return envelope(WorkspaceChanged(workspace=space, by=by), f"workspaces/{space}", space)


def invited(space: str, who: str) -> Envelope:
    return envelope(WorkspaceMemberInvited(workspace=space, user=who), f"workspaces/{space}", space)


def removed(space: str, who: str) -> Envelope:
    return envelope(WorkspaceMemberRemoved(workspace=space, user=who), f"workspaces/{space}", space)


async def advance(stage: Stage, seconds: float) -> None:
    assert isinstance(stage.parts.clock, VirtualClock)
    await stage.parts.clock.advance(seconds)


async def streams(stage: Stage, number: int) -> None:
    """Return when so many are open."""

    async def open_now() -> bool:
        return stage.parts.feed._users.total() == number

    await until(open_now)


async def test_past_then_present(stage: Stage) -> None:
    """From the beginning through what happens while one listens: each entry once, in order, with its position as id."""
    await tell(stage.parts, *(user(f"u{n}") for n in range(250)))
    async with following(stage.client) as reader:
        await tell(stage.parts, user("late"))
        told = [await reader.next() for _ in range(251)]
    assert [int(one.id) for one in told if one] == list(range(1, 252))
    last = told[-1]
    assert last is not None
    assert (last.event, last.data["subject"], last.data["position"]) == ("UserCreated", "users/late", 251)
    assert last.data["data"]["user"] == "late"
    assert last.data["workspace"] is None


async def test_the_same_json_as_in_a_page(stage: Stage) -> None:
    """A stream's data is a page's item: CloudEvents 1.0 with position and causes."""
    await tell(stage.parts, changed("ws1", "admin"))
    async with following(stage.client) as reader:
        told = await reader.next()
    async with stage.client.get(PATH) as answer:
        page = await answer.json()
    assert told is not None
    assert page == {"items": [told.data], "next": 1, "oldest": 1}
    assert (told.data["specversion"], told.data["type"]) == ("1.0", "orrery.accounts.v1.WorkspaceChanged")
    assert (told.data["actor"], told.data["correlationid"], told.data["causationid"]) == ("admin", "chain", None)


async def test_resuming(stage: Stage) -> None:
    """`Last-Event-ID` says where to go on, and wins over `after`; nothing is missed or seen twice."""
    await tell(stage.parts, *(user(f"u{n}") for n in range(5)))
    async with following(stage.client, query="&after=1", **{"Last-Event-ID": "3"}) as reader:
        assert [one.id for _ in range(2) if (one := await reader.next())] == ["4", "5"]
    async with following(stage.client, query="&after=4") as reader:
        assert (told := await reader.next()) is not None
        assert told.id == "5"


async def test_a_former_workspace_of_that_name(stage: Stage) -> None:
    """Made anew by somebody else, a workspace shows its members nothing of the former one: in pages, when catching up,
    and from the feed; who administers the platform sees both.
    """
    made = WorkspaceCreated(workspace="ws1")
    await tell(stage.parts, envelope(made, "workspaces/ws1", "ws1"), *(changed("ws1", "old") for _ in range(5)))
    gone = WorkspaceDeleted(workspace="ws1")
    await tell(stage.parts, envelope(gone, "workspaces/ws1", "ws1", at=START - timedelta(days=1)))
    await tell(stage.parts, envelope(made, "workspaces/ws1", "ws1"), changed("ws1", "new"))
    stage.callers.known["bob"] = identity("bob", "ws1")
    stage.callers.known["eve"] = identity("eve", *(f"ws{n}" for n in range(20)))
    for caller, expected in (("bob", [8, 9]), ("eve", [8, 9]), ("admin", list(range(1, 10)))):
        async with stage.client.get(PATH, headers={"Caller": caller}) as answer:
            assert [item["position"] for item in (await answer.json())["items"]] == expected
        async with following(stage.client, caller) as reader:
            assert [int(told.id) for _ in expected if (told := await reader.next())] == expected
    async with following(stage.client), following(stage.client, "bob", "&after=0") as reader:
        assert [int(told.id) for _ in range(2) if (told := await reader.next())] == [8, 9]
    async with stage.client.get(f"{PATH}?limit=1", headers={"Caller": "bob"}) as answer:
        assert (await answer.json())["next"] == 8


async def test_filters(stage: Stage) -> None:
    """Subject, type and workspace hold for what was and what comes."""
    await tell(stage.parts, user("a"), changed("ws1"), changed("ws2"))
    async with following(stage.client, query="&workspace=ws2&type=WorkspaceChanged") as reader:
        await tell(stage.parts, user("b"), changed("ws1"), invited("ws2", "x"), changed("ws2"))
        assert [one.id for _ in range(2) if (one := await reader.next())] == ["3", "7"]


async def test_heartbeats(stage: Stage) -> None:
    """A stream on which nothing happens says that it is alive, each time the interval has passed."""
    async with following(stage.client) as reader:
        await streams(stage, 1)
        for _ in range(2):
            await asyncio.sleep(0.01)
            await advance(stage, 15)
            told = await reader.next()
            assert told is not None
            assert (told.comment, told.event) == (True, "")


async def test_members_see_their_workspaces_alone(stage: Stage) -> None:
    """Role by role: the administrator all, the member his workspace's, the outsider nothing."""
    stage.callers.known |= {"bob": identity("bob", "ws1"), "eve": identity("eve")}
    await tell(stage.parts, user("bob"), changed("ws1"), changed("ws2"))
    pages = {}
    for who in ("admin", "bob", "eve"):
        async with stage.client.get(PATH, headers={"Caller": who}) as answer:
            pages[who] = [item["position"] for item in (await answer.json())["items"]]
    assert pages == {"admin": [1, 2, 3], "bob": [2], "eve": []}
    async with following(stage.client, "bob") as bob, following(stage.client, "eve") as eve:
        await tell(stage.parts, changed("ws2"), changed("ws1"))
        assert [one.id for _ in range(2) if (one := await bob.next())] == ["2", "5"]
        stage.parts.feed.close()
        assert await eve.names(1) == ["cut"]


async def test_membership_is_checked_at_each_event(stage: Stage) -> None:
    """Invited, he sees the workspace at once; removed, he is cut before the next event, even one of the same batch:
    what else binds him there only the gateway knows, which he asks when he opens the stream again.
    """
    stage.callers.known["bob"] = identity("bob", "ws1")
    async with following(stage.client, "bob") as reader:
        await streams(stage, 1)
        await tell(stage.parts, changed("ws2"), invited("ws2", "bob"), changed("ws2"))
        await tell(stage.parts, removed("ws3", "bob"), changed("ws1"), removed("ws1", "bob"), changed("ws1"))
        assert [one.id for _ in range(3) if (one := await reader.next())] == ["2", "3", "5"]
        assert (cut := await reader.next()) is not None
        assert cut.data["reason"] == "rights-changed"
        assert await reader.next() is None


async def test_a_removal_while_he_catches_up(stage: Stage) -> None:
    """What stands in the log before his removal isn't sent after it, wherever his stream begins."""
    stage.callers.known["bob"] = identity("bob", "ws1", "ws2")
    await tell(stage.parts, *(changed("ws1") for _ in range(3)), changed("ws2"), removed("ws1", "bob"))
    async with following(stage.client, "bob") as reader:
        assert (told := await reader.next()) is not None
        assert told.data["reason"] == "rights-changed"
        assert await reader.next() is None


async def test_an_old_removal_means_nothing(stage: Stage) -> None:
    """The gateway's answer is newer than what happened before it: who was removed and came back sees the past."""
    stage.callers.known["bob"] = identity("bob", "ws1", issued=START + timedelta(seconds=60))
    await tell(stage.parts, changed("ws1"), removed("ws1", "bob"), invited("ws1", "bob"))
    async with following(stage.client, "bob") as reader:
        assert [one.id for _ in range(3) if (one := await reader.next())] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (envelope(UserDisabled(user="bob"), "users/bob"), "account-ended"),
        (envelope(SessionEnded(session="s1", user="bob"), "sessions/s1"), "session-ended"),
        (envelope(WorkspaceRoleUnbound(workspace="ws1"), "workspaces/ws1", "ws1"), "rights-changed"),
    ],
)
async def test_what_ends_a_stream(stage: Stage, ending: Envelope, reason: str) -> None:
    """His account, his session, his rights: he is told why, and the stream is closed with nothing after it."""
    stage.callers.known |= {"bob": identity("bob", "ws1", session="s1"), "dev": identity("dev", "ws9", session="s2")}
    async with following(stage.client, "bob") as bob, following(stage.client, "dev") as dev:
        await streams(stage, 2)
        await tell(stage.parts, ending, changed("ws1"), changed("ws9"))
        told = await bob.next()
        assert told is not None
        assert (told.event, told.data["reason"], told.id) == ("cut", reason, "")
        assert await bob.next() is None
        assert await dev.names(1) == ["WorkspaceChanged"]
    await streams(stage, 0)


async def test_a_user_disabled_before_he_came(stage: Stage) -> None:
    """A token that was good a moment ago opens a stream that ends before anything is sent on it."""
    stage.callers.known["bob"] = identity("bob", "ws1")
    await tell(stage.parts, changed("ws1"), envelope(UserDisabled(user="bob"), "users/bob"))
    async with following(stage.client, "bob") as reader:
        assert await reader.names(1) == ["cut"]
        assert await reader.next() is None


async def test_another_members_removal_cuts_nobody(stage: Stage) -> None:
    """A binding that says whom it bound concerns only them."""
    stage.callers.known["bob"] = identity("bob", "ws1")
    carol = (Subject(kind="User", name="carol"),)
    async with following(stage.client, "bob") as reader:
        await streams(stage, 1)
        unbound = envelope(WorkspaceRoleUnbound(workspace="ws1", subjects=carol), "workspaces/ws1", "ws1")
        await tell(stage.parts, unbound, removed("ws1", "carol"), changed("ws1"))
        assert await reader.names(3) == ["WorkspaceRoleUnbound", "WorkspaceMemberRemoved", "WorkspaceChanged"]


async def test_a_slow_reader_is_told_and_cut(tmp_path: Path) -> None:
    """Who takes nothing is cut when the time is up; what he then reads ends with the reason, and where to resume."""
    async with (
        opened(tmp_path, patience=0.2) as parts,
        working(parts),
        serving(parts, Callers()) as client,
    ):
        big = [envelope(WorkspaceCreated(workspace="w" * 4000), f"workspaces/{n}") for n in range(1500)]
        loop = asyncio.get_running_loop()
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)  # the socket's own
            await loop.sock_connect(raw, ("127.0.0.1", client.port))
            await loop.sock_sendall(raw, f"GET {PATH}?follow=true HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            for start in range(0, 1500, 500):
                await tell(parts, *big[start : start + 500])

            async def cut() -> bool:
                return parts.journal._cuts.labels("slow")._value.get() == 1.0

            await until(cut)
            read = b""
            async with asyncio.timeout(5):
                while piece := await loop.sock_recv(raw, 1 << 16):
                    read += piece
        assert read.count(b"event: cut") == 1
        assert b'"reason":"slow"' in read[-600:]
        assert 0 < read.count(b"event: WorkspaceCreated") < 1500


async def test_a_reader_who_never_reads_again_is_dropped(tmp_path: Path) -> None:
    """Even the farewell waits for a bounded time only; then the connection is gone, and with it what it held."""
    async with opened(tmp_path, patience=0.1) as parts, working(parts), serving(parts, Callers()) as client:
        loop = asyncio.get_running_loop()
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)  # the socket's own
            await loop.sock_connect(raw, ("127.0.0.1", client.port))
            await loop.sock_sendall(raw, f"GET {PATH}?follow=true HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            big = [envelope(WorkspaceCreated(workspace="w" * 4000), f"workspaces/{n}") for n in range(1000)]
            await tell(parts, *big)

            async def gone() -> bool:
                return not parts.feed.followed

            await until(gone)


async def test_falling_out_of_the_window(tmp_path: Path) -> None:
    """More at once than the feed holds: a live stream that has missed some is cut, never served with a gap."""
    async with opened(tmp_path, depth=10) as parts, serving(parts, Callers()) as client:
        async with working(parts), following(client) as reader:
            await tell(parts, user("first"))
            assert await reader.names(1) == ["UserCreated"]
            await tell(parts, *(user(f"u{n}") for n in range(200)))
            seen = []
            while (told := await reader.next()) is not None and told.event != "cut":
                seen.append(int(told.id))
            assert told is not None
            assert told.data["reason"] == "slow"
            assert seen == list(range(2, 2 + len(seen)))
        async with working(parts), following(client, **{"Last-Event-ID": str(1 + len(seen))}) as reader:
            told = await reader.next()
            assert told is not None
            assert int(told.id) == 2 + len(seen)


async def test_bounds_on_streams(tmp_path: Path) -> None:
    """Each user may have so many, all together so many; one that is closed makes room."""
    async with opened(tmp_path, streams_per_user=2, streams=3) as parts, working(parts):
        callers = Callers({"admin": identity("admin"), "bob": identity("bob"), "eve": identity("eve")})
        async with serving(parts, callers) as client:
            async with following(client), following(client), following(client, "bob"):
                async with client.get(PATH + "?follow=true") as answer:
                    assert answer.status == 429
                async with client.get(PATH + "?follow=true", headers={"Caller": "eve"}) as answer:
                    assert (answer.status, await answer.text()) == (400, "streams")
            parts.feed.beat()  # idle streams see that their readers have gone when they write
            await until(lambda: room(parts))
            async with following(client, "eve"):
                pass


async def room(parts: Parts) -> bool:
    parts.feed.beat()
    return not parts.feed.followed


async def test_stopping_ends_streams(tmp_path: Path) -> None:
    """When the service stops, readers are told and can resume."""
    async with (
        opened(tmp_path) as parts,
        working(parts),
        serving(parts, Callers()) as client,
        following(client) as reader,
    ):
        await tell(parts, user("a"))
        assert await reader.names(1) == ["UserCreated"]
        parts.feed.close()
        told = await reader.next()
        assert told is not None
        assert (told.event, told.data["reason"]) == ("cut", "closing")
        assert await reader.next() is None


async def test_a_mirror_elsewhere(tmp_path: Path) -> None:
    """Without the mirror in this process, polling brings what another process has written."""
    async with opened(tmp_path) as parts, serving(parts, Callers()) as client:
        feed = Feed(shapes.frame, 0, 1, Bell(parts.clock))
        elsewhere = replace(parts, feed=feed)
        async with working(elsewhere, workers.mirror), working(parts, workers.pump), following(client) as reader:
            await tell(parts, user("a"))
            assert isinstance(parts.clock, VirtualClock)
            await parts.clock.advance(2)
            assert await reader.names(1) == ["UserCreated"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-5", "limit=", "after=-1", "after=x", "after=1.5", "after=%D9%A1", "follow=yes",
     "limt=1", "after=1&after=2", "subject=", "type=" + "x" * 600],
)  # fmt: skip
async def test_bad_queries(stage: Stage, query: str) -> None:
    """Each is refused before a stream begins."""
    async with stage.client.get(f"{PATH}?{query}") as answer:
        assert (answer.status, await answer.text()) == (400, "query")


async def test_a_bad_last_event_id(stage: Stage) -> None:
    """It is as much a parameter as the others."""
    async with stage.client.get(f"{PATH}?follow=true", headers={"Last-Event-ID": "x"}) as answer:
        assert answer.status == 400
