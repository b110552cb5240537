"""Streams through the gateway: sent on at once, cut in time, and let go when the client leaves."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.testing.clock import eventually
from services.gateway.domain.bindings import workspace_place
from services.gateway.domain.caller import SubjectKey
from services.gateway.rest.streaming import Sent
from services.gateway.tests.conftest import Stage, staged
from services.gateway.tests.seeds import bound
from services.gateway.tests.standin import IAM, PASSWORD
from services.gateway.workers import watch_once

EVENTS = "/kapis/events.orrery.io/v1/events"
OF_A = IAM + "/workspaces/a/events"
TALK = "/kapis/terminal.kubesphere.io/v1alpha2/talk"


@asynccontextmanager
async def opened(stage: Stage, user: str, path: str, **claims: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """A stream whose first line has come."""
    async with stage.client.get(path, headers=stage.headers(user, **claims)) as answer:
        assert answer.status == 200
        assert await answer.content.readline() == b"data: first\n"
        yield answer


async def ended(answer: aiohttp.ClientResponse) -> None:
    """Return once the stream has ended."""
    await asyncio.wait_for(answer.content.read(), 30)


CUTS = [
    accounts.UserDisabled(user="view"),
    accounts.UserDeleted(user="view"),
    accounts.UserChanged(user="view", state="Disabled"),
    accounts.SessionEnded(session="s-view", user="view"),
]


@pytest.mark.parametrize("event", CUTS)
@pytest.mark.parametrize("path", [EVENTS, OF_A])
async def test_cuts_what_a_closed_account_has_open(stage: Stage, event: Any, path: str) -> None:
    """Within a second of the event, and nobody else's stream with it."""
    async with opened(stage, "view", path) as hers, opened(stage, "adm", path) as others:
        await stage.accounts.tell(event)
        await ended(hers)
        assert len(stage.parts.memory.streams) == 1
        assert not others.content.at_eof()


@pytest.mark.parametrize("path", [EVENTS, OF_A])
async def test_cuts_what_a_password_opened_once_it_is_another(stage: Stage, path: str) -> None:
    """Whoever knew the old password listens no longer; a stream of a session goes on until its session ends."""
    credentials = base64.b64encode(f"view:{PASSWORD}".encode()).decode()
    async with (
        stage.client.get(path, headers={"Authorization": f"Basic {credentials}"}) as old,
        opened(stage, "view", path) as other,
    ):
        assert await old.content.readline() == b"data: first\n"
        await stage.accounts.tell(accounts.PasswordChanged(user="view"))
        await ended(old)
        assert len(stage.parts.memory.streams) == 1
        assert not other.content.at_eof()


async def test_a_stream_of_events_says_why_it_is_cut(stage: Stage) -> None:
    """The last event names the reason; a watch, which knows no such event, just ends."""
    watch = "/apis/iam.kubesphere.io/v1alpha2/users?watch=true"
    async with opened(stage, "admin", EVENTS) as events, opened(stage, "admin", watch) as raw:
        await stage.accounts.tell(accounts.UserDisabled(user="admin"))
        assert await asyncio.wait_for(events.content.read(), 5) == (
            b'\nevent: cut\ndata: {"reason":"account closed"}\n\n'
        )
        assert await asyncio.wait_for(raw.content.read(), 5) == b"\n"


def test_a_last_event_is_never_taken_for_the_rest_of_another() -> None:
    """It is sent only where the event before it is whole."""
    for pieces, whole in (
        ((), True),
        ((b"data: 1\n", b"\n"), True),
        ((b"data: 1\r\n\r\n",), True),
        ((b"data: 1\n",), False),
    ):
        sent = Sent()
        for piece in pieces:
            sent.note(piece)
        assert sent.between_events == whole


CHANGES = [
    accounts.WorkspaceRoleUnbound(binding="view-a-viewer", workspace="a", role="a-viewer"),
    accounts.WorkspaceRoleChanged(role="a-viewer", workspace="a", rules=()),
    accounts.WorkspaceRoleDeleted(role="a-viewer", workspace="a"),
    accounts.WorkspaceDeleted(workspace="a"),
    bound("view", "b-viewer", "b"),
]


@pytest.mark.parametrize("event", CHANGES)
async def test_cuts_what_would_be_answered_otherwise(stage: Stage, event: Any) -> None:
    """A lost role, a changed one, a deleted workspace and a new membership each end a stream decided before them."""
    async with opened(stage, "view", OF_A) as answer:
        await stage.accounts.tell(event)
        await ended(answer)


async def test_leaves_open_what_a_change_does_not_concern(stage: Stage) -> None:
    """Somebody else's new binding cuts nothing of hers."""
    async with opened(stage, "view", OF_A) as answer:
        await stage.accounts.tell(bound("out", "a-viewer", "a"))
        await eventually(lambda: stage.parts.memory.index.bindings.binds(_subjects("out"), _place("a")))
        assert len(stage.parts.memory.streams) == 1
        assert not answer.content.at_eof()


async def test_a_stream_does_not_outlive_its_token_nor_its_source(stage: Stage) -> None:
    """When the token expires, or accounts has been silent for too long, open streams end."""
    soon = int(time.time()) + 1
    async with opened(stage, "view", EVENTS, exp=soon) as answer:
        await ended(answer)
    async with opened(stage, "view", EVENTS) as answer:
        now = stage.parts.clock.monotonic()
        stage.parts.memory.sources.hear("accounts", now, behind=6)
        watch_once(stage.parts)
        await ended(answer)


async def test_a_stream_stays_open_over_a_new_snapshot(stage: Stage) -> None:
    """While a snapshot loads no new request is decided, but streams go on, and an event still cuts whom it concerns."""
    memory = stage.parts.memory
    async with opened(stage, "view", OF_A) as hers, opened(stage, "adm", OF_A) as others:
        memory.sources.begin("accounts", stage.parts.clock.monotonic())
        await stage.accounts.tell(CHANGES[0])
        await ended(hers)
        stage.accounts.snapshot.append(CHANGES[0])
        memory.begin(stage.parts.clock.monotonic())
        await eventually(lambda: memory.sources.fresh("accounts", stage.parts.clock.monotonic()))
        assert len(memory.streams) == 1
        assert not others.content.at_eof()


async def test_a_client_that_leaves_frees_its_service(stage: Stage) -> None:
    """The service's handler ends although it sends nothing that could fail."""
    async with opened(stage, "view", EVENTS) as answer:
        assert len(stage.parts.memory.streams) == 1
        answer.close()
    await asyncio.wait_for(stage.accounts.cancelled.wait(), 5)
    await eventually(lambda: not len(stage.parts.memory.streams))


async def test_streams_of_one_user_are_bounded() -> None:
    """One too many is 429, and a closed one makes room."""
    async with staged(gateway_streams_per_user=1) as stage:
        async with opened(stage, "view", EVENTS), stage.client.get(EVENTS, headers=stage.headers("view")) as second:
            assert second.status == 429
        await eventually(lambda: not len(stage.parts.memory.streams))
        async with opened(stage, "view", EVENTS):
            pass


async def test_a_watch_of_users_is_not_open_to_everybody(stage: Stage) -> None:
    """The raw list and watch of users are for who manages them."""
    path = "/apis/iam.kubesphere.io/v1alpha2/users"
    for query in ("", "?watch=true", "?watch=true&fieldSelector=metadata.name=admin"):
        assert (await stage.ask("out", "GET", path + query))[0] == 403
    async with opened(stage, "out", path + "?watch=true&fieldSelector=metadata.name=out"):
        pass


async def test_websockets_pass_through(stage: Stage) -> None:
    """Text, bytes and the subprotocol pass both ways under the caller's name; closing one side closes the other."""
    async with stage.client.ws_connect(TALK, headers=stage.headers("out"), protocols=("v4.channel",)) as socket:
        assert socket.protocol == "v4.channel"
        await socket.send_str("hello")
        assert await socket.receive_str() == "out: hello"
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes() == b"\x00\xff"
    await eventually(lambda: not len(stage.parts.memory.streams))


async def test_websockets_are_cut_too(stage: Stage) -> None:
    """A terminal of a disabled account closes with `policy violation`."""
    async with stage.client.ws_connect(TALK, headers=stage.headers("out")) as socket:
        await stage.accounts.tell(accounts.UserDisabled(user="out"))
        message = await asyncio.wait_for(socket.receive(), 2)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_upgrades_are_decided_and_only_to_websocket(stage: Stage) -> None:
    """Nobody gets no socket, and no other protocol is passed on."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stage.client.ws_connect(TALK)
    assert refused.value.status == 403
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    assert (await stage.ask("out", "GET", TALK, headers=headers))[0] == 415


def _subjects(user: str) -> Any:
    return [SubjectKey("User", user)]


def _place(workspace: str) -> Any:
    return workspace_place(workspace)
