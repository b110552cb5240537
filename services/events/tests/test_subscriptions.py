"""Subscriptions: events posted to a real receiver, signed, in order, tried again, and only what their owner may see."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.shared.bus.protocol import Message
from libs.shared.contracts.accounts_v1 import UserCreated, WorkspaceCreated
from libs.shared.contracts.events_v1 import DeliveryAbandoned, SubscriptionSuspended
from libs.shared.errors import Busy, Denied, Fault, Missing
from libs.shared.store.protocol import Equal, Find
from libs.shared.testing.clock import VirtualClock
from services.events.clients.sights import GatewaySights
from services.events.commands import log as commands
from services.events.domain.delivery import Delivery, Progress
from services.events.domain.sight import Viewer
from services.events.domain.subscription import State, Subscription
from services.events.parts import Parts
from services.events.tests.stage import Callers, Client, Seen, envelope, identity, opened, serving, tell, until, working
from services.events.workers import delivery as workers
from services.events.workers import log

PATH = "/kapis/events.orrery.io/v1/subscriptions"


@dataclass
class Receiver:
    """A subscriber's server: remembers what was posted, and answers as it is told to."""

    url: str = ""
    status: int = 200
    statuses: dict[str, int] = field(default_factory=dict)
    """By subject."""
    headers: dict[str, str] = field(default_factory=dict)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posts.append(({name.lower(): value for name, value in request.headers.items()}, body))
        subject = orjson.loads(body)["subject"]
        return web.Response(status=self.statuses.get(subject, self.status), headers=self.headers)

    @property
    def subjects(self) -> list[str]:
        return [orjson.loads(body)["subject"] for _, body in self.posts]

    def got(self, number: int) -> Any:
        async def enough() -> bool:
            return len(self.posts) >= number

        return until(enough)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


@asynccontextmanager
async def standing(folder: Path, **options: Any) -> AsyncIterator[tuple[Parts, Client, Receiver]]:
    """The service with its loops, its routes, and a receiver."""
    callers = Callers({"admin": identity("admin", everything=True), "bob": identity("bob", "ws1")})
    async with (
        opened(folder, **options) as parts,
        receiving() as receiver,
        serving(parts, callers) as client,
        working(parts, log.mirror, workers.deliver),
    ):
        yield parts, client, receiver


async def subscribed(client: Client, url: str, *types: str, caller: str = "admin", **more: Any) -> dict[str, Any]:
    body = {"name": "try", "types": types or ("UserCreated",), "sink": {"type": "webhook", "url": url}, **more}
    async with client.post(PATH, json=body, headers={"Caller": caller}) as response:
        assert response.status == 201, await response.text()
        return await response.json()


async def refused(client: Client, caller: str = "admin", **body: Any) -> str:
    whole = {"name": "try", "types": ["UserCreated"], "sink": {"type": "webhook", "url": "http://127.0.0.1:9/"}} | body
    async with client.post(PATH, json=whole, headers={"Caller": caller}) as response:
        assert response.status == 400, await response.text()
        return await response.text()


def user(name: str) -> Any:
    return envelope(UserCreated(user=name), f"users/{name}")


async def state_of(parts: Parts) -> Subscription:
    return await parts.store.of(Subscription).get("admin/try")


def written(folder: Path) -> bytes:
    """Everything that the service has kept."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def ended(parts: Parts, state: Progress, number: int = 1) -> None:
    async def holds() -> bool:
        return await parts.store.of(Delivery).count(Find((Equal("state", state.value),))) >= number

    await until(holds)


async def test_an_event_arrives_with_a_signature_that_holds(tmp_path: Path) -> None:
    """Whoever has the secret can tell that the message is ours; what was not asked for does not come."""
    async with standing(tmp_path) as (parts, client, receiver):
        made = await subscribed(client, receiver.url)
        await tell(parts, envelope(WorkspaceCreated(workspace="ws1"), "workspaces/ws1", "ws1"), user("xenia"))
        await receiver.got(1)
        headers, body = receiver.posts[0]
        key = base64.b64decode(made["secret"].removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        assert (
            headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        )
        event = orjson.loads(body)
        assert (event["id"], event["data"]["user"], event["position"]) == (headers["webhook-id"], "xenia", 2)
        assert headers["content-type"] == "application/cloudevents+json"
        await ended(parts, Progress.DELIVERED)
        assert receiver.subjects == ["users/xenia"]


async def test_the_secret_is_shown_once_and_kept_sealed(tmp_path: Path) -> None:
    """Neither a later answer nor the file holds it."""
    async with standing(tmp_path) as (_, client, receiver):
        secret = (await subscribed(client, receiver.url))["secret"]
        for path in ("", "/try", "/try/deliveries"):
            async with client.get(PATH + path) as response:
                assert response.status == 200
                assert secret not in await response.text()
    assert secret.removeprefix("whsec_").encode() not in written(tmp_path)


async def test_order_within_a_subject_and_no_waiting_across(tmp_path: Path) -> None:
    """What failed holds up what is behind it on its subject, and nothing else; it comes before that in the end."""
    clock = VirtualClock()
    async with standing(tmp_path, clock=clock) as (parts, client, receiver):
        receiver.statuses["users/a"] = 500
        await subscribed(client, receiver.url)
        first, second = user("a"), user("a")
        await tell(parts, first, second, user("b"), user("c"))
        await ended(parts, Progress.DELIVERED, 2)
        assert sorted(receiver.subjects) == ["users/a", "users/b", "users/c"]
        receiver.statuses.clear()
        await clock.advance(30)
        await ended(parts, Progress.DELIVERED, 4)
        of_a = [headers["webhook-id"] for headers, body in receiver.posts if orjson.loads(body)["subject"] == "users/a"]
        assert of_a == [first.id, first.id, second.id]


async def test_given_up_after_a_while_and_told(tmp_path: Path) -> None:
    """A receiver that never takes one event gets the next ones; its owner can see what failed, and why."""
    clock = VirtualClock()
    async with standing(tmp_path, clock=clock, give_up=60, retry_most=20) as (parts, client, receiver):
        receiver.status = 503
        await subscribed(client, receiver.url)
        await tell(parts, user("a"), user("a"))
        await receiver.got(1)
        for _ in range(40):
            await clock.advance(5)
            await asyncio.sleep(0.01)
            if await parts.store.of(Delivery).count(Find((Equal("state", "abandoned"),))):
                break
        async with client.get(f"{PATH}/try/deliveries") as response:
            items = (await response.json())["items"]
        assert [item["state"] for item in items] == ["pending", "abandoned"]
        assert items[1]["lastError"] == "the receiver answered 503"
        assert items[1]["attempts"] > 2


async def test_gone_suspends_and_a_replay_begins_again(tmp_path: Path) -> None:
    """410 ends the deliveries; replaying brings all of them, under the same ids."""
    async with standing(tmp_path) as (parts, client, receiver):
        receiver.status = 410
        await subscribed(client, receiver.url)
        one = user("a")
        await tell(parts, one)

        async def suspended() -> bool:
            return (await state_of(parts)).state is State.SUSPENDED

        await until(suspended)
        receiver.status = 200
        async with client.post(f"{PATH}/try/replay", json={"from": 1}) as response:
            assert (response.status, (await response.json())["state"]) == (200, "active")
        await receiver.got(2)
        assert {headers["webhook-id"] for headers, _ in receiver.posts} == {one.id}
        await ended(parts, Progress.DELIVERED)


async def test_bounded_by_the_rights_of_its_owner(tmp_path: Path) -> None:
    """He is told what he sees when it is sent: nothing of other workspaces, nothing once he is out, nothing at all
    when nobody can say.
    """
    seen, clock = Seen(), VirtualClock()
    member = Viewer("bob", frozenset(), "", clock(), everything=False, workspaces=frozenset({"ws1"}))
    seen.viewers["bob"] = member
    async with standing(tmp_path, seen=seen, clock=clock) as (parts, client, receiver):
        await subscribed(client, receiver.url, "WorkspaceCreated", caller="bob")
        made = [envelope(WorkspaceCreated(workspace=of), f"workspaces/{of}", of) for of in ("ws2", "ws1")]
        await tell(parts, *made)
        await receiver.got(1)
        assert receiver.subjects == ["workspaces/ws1"]
        await ended(parts, Progress.DELIVERED)
        receiver.status = 500
        await tell(parts, envelope(WorkspaceCreated(workspace="ws1"), "workspaces/ws1", "ws1"))
        await receiver.got(2)
        seen.viewers["bob"] = Viewer("bob", frozenset(), "", clock(), everything=False, workspaces=frozenset())
        await clock.advance(30)
        await ended(parts, Progress.WITHHELD)
        seen.fault = Busy("index-stale", "not now")
        await tell(parts, envelope(WorkspaceCreated(workspace="ws1"), "workspaces/ws1", "ws1"))
        await asyncio.sleep(0.05)
        assert len(receiver.posts) == 2


async def test_the_end_of_an_account_suspends(tmp_path: Path) -> None:
    """Who is disabled is told nothing more."""
    seen = Seen({"admin": None})
    async with standing(tmp_path, seen=seen) as (parts, client, receiver):
        await subscribed(client, receiver.url)

        async def suspended() -> bool:
            return (await state_of(parts)).state is State.SUSPENDED

        await until(suspended)
        assert receiver.posts == []
        assert "disabled or gone" in (await state_of(parts)).reason


async def test_nothing_is_lost_or_told_twice_over_a_restart(tmp_path: Path) -> None:
    """What was planned and not sent is sent by the next process; what was delivered is not sent again."""
    async with standing(tmp_path) as (parts, client, receiver):
        receiver.statuses["users/b"] = 500
        made = await subscribed(client, receiver.url)
        await tell(parts, user("a"), user("b"))
        await ended(parts, Progress.DELIVERED)
        await receiver.got(2)
        url = receiver.url
    assert made["state"] == "active"
    clock = VirtualClock()
    async with opened(tmp_path, clock=clock) as parts:
        pending = await parts.store.of(Delivery).find(Find((Equal("state", "pending"),)))
        assert [one.subject for one in pending] == ["users/b"]
        assert (await state_of(parts)).url == url


@pytest.mark.parametrize(
    ("wrong", "slug"),
    [
        ({"types": ["UserCreatd"]}, "types"),
        ({"types": ["DeliveryAbandoned"]}, "types"),
        ({"types": ["AuditRecorded"]}, "types"),
        ({"types": []}, "fields"),
        ({"types": ["x" * 100_000]}, "fields"),
        ({"types": "UserCreated"}, "fields"),
        ({"name": "Try_1"}, "fields"),
        ({"name": "x" * 64}, "fields"),
        ({"sink": {"type": "kafka", "url": "http://127.0.0.1/"}}, "fields"),
        ({"sink": {"type": "webhook", "url": "file:///etc/passwd"}}, "sink"),
        ({"sink": {"type": "webhook", "url": "http://10.0.0.1/"}}, "sink"),
        ({"sink": {"type": "webhook", "url": "http://169.254.169.254/latest"}}, "sink"),
        ({"secret": "mine"}, "fields"),
        ({"from": 0}, "fields"),
        ({"from": 99}, "position-beyond"),
    ],
)
async def test_a_wrong_wish_is_refused_and_nothing_kept(tmp_path: Path, wrong: dict[str, Any], slug: str) -> None:
    """Each wrong field is named; no subscription comes of it."""
    async with standing(tmp_path) as (parts, client, _):
        assert await refused(client, **wrong) == slug
        assert await parts.store.of(Subscription).count() == 0


async def test_others_have_theirs(tmp_path: Path) -> None:
    """Nobody sees, replays or removes another's, nor learns that it is there; an administrator may."""
    async with standing(tmp_path) as (_, client, receiver):
        await subscribed(client, receiver.url)
        await subscribed(client, receiver.url, "WorkspaceCreated", caller="bob")
        as_bob = {"Caller": "bob"}
        assert await refused(client, "bob", name="other", workspace="ws2") == "workspace"
        async with client.get(PATH, headers=as_bob) as response:
            assert [one["owner"] for one in (await response.json())["items"]] == ["bob"]
        async with client.get(PATH) as response:
            assert (await response.json())["totalItems"] == 2
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/replay")):
            body = {"from": 1} if method == "POST" else None
            url = f"{PATH}/try{path}?owner=admin"
            async with client.request(method, url, headers=as_bob, json=body) as response:
                assert await response.text() == "not-yours"
        async with client.delete(f"{PATH}/try?owner=bob") as response:
            assert (response.status, (await response.json())["owner"]) == (200, "bob")
        async with client.get(f"{PATH}/try", headers=as_bob) as response:
            assert await response.text() == "no-subscription"


async def test_no_more_than_a_user_may_have(tmp_path: Path) -> None:
    """Nor two of one name."""
    async with standing(tmp_path, subscriptions_per_user=2) as (_, client, receiver):
        await subscribed(client, receiver.url)
        assert await refused(client, sink={"type": "webhook", "url": receiver.url}) == "exists"
        await subscribed(client, receiver.url, name="two")
        assert await refused(client, name="three", sink={"type": "webhook", "url": receiver.url}) == "subscriptions-own"


async def test_what_was_removed_leaves_nothing(tmp_path: Path) -> None:
    """Deliveries of a removed subscription are swept, and those that ended long ago."""
    clock = VirtualClock()
    async with standing(tmp_path, clock=clock, poll=1e6) as (parts, client, receiver):
        await subscribed(client, receiver.url)
        await tell(parts, user("a"), user("b"))
        await ended(parts, Progress.DELIVERED, 2)
        assert await workers.sweep_some(parts) == 0
        async with client.delete(f"{PATH}/try") as response:
            assert response.status == 200
        assert await workers.sweep_some(parts) == 2
        assert await workers.sweep_some(parts) == 0
        await subscribed(client, receiver.url)
        await tell(parts, user("c"))
        await ended(parts, Progress.DELIVERED)
        await clock.advance(timedelta(days=8).total_seconds())
        assert await workers.sweep_some(parts) == 1


async def test_a_replay_in_the_middle_keeps_its_bell(tmp_path: Path) -> None:
    """The loop that ends when a subscription is put back takes its own bell along, not that of the loop after it: the
    next event is told at once, with nothing that polls.
    """
    async with standing(tmp_path, poll=1e6) as (parts, client, receiver):
        await subscribed(client, receiver.url)
        await tell(parts, user("a"))
        await ended(parts, Progress.DELIVERED)
        async with client.post(f"{PATH}/try/replay", json={"from": 1}) as response:
            assert response.status == 200
        await receiver.got(2)
        await tell(parts, user("b"))
        await receiver.got(3)
        assert receiver.subjects == ["users/a", "users/a", "users/b"]


async def test_what_another_process_mirrored_is_told_too(tmp_path: Path) -> None:
    """The mirror may be elsewhere: entries that nobody rang for here are found by looking."""
    clock = VirtualClock()
    async with standing(tmp_path, clock=clock) as (parts, client, receiver):
        await subscribed(client, receiver.url)
        one = user("a")
        message = Message("9", one, clock())
        await parts.store.transact(commands.append_entries, [message], bus="9")
        await clock.advance(2)
        await receiver.got(1)
        assert receiver.subjects == ["users/a"]


@pytest.mark.parametrize(
    "fault", [Missing("call-refused", "no such route"), Denied("internal", "not you"), Busy("x", "y")]
)
async def test_a_gateway_that_cannot_answer_suspends_nobody(fault: Fault) -> None:
    """Only what it says of the account ends a subscription; anything else is tried again."""
    gone = Missing("no-user", "no active account is called bob")
    for raised, ends in ((gone, True), (fault, False)):
        sights = GatewaySights(Unwilling(raised), VirtualClock())  # type: ignore[arg-type]  # asks, and is refused
        if ends:
            assert await sights.of("bob") is None
        else:
            with pytest.raises(Busy):
                await sights.of("bob")


@dataclass
class Unwilling:
    """A way to the gateway that raises."""

    fault: Fault

    async def ask(self, *_: Any, **__: Any) -> Any:
        raise self.fault


def test_events_of_suspension_and_abandonment_are_declared() -> None:
    """Their data names the subscription and its owner, never the address or the secret."""
    for event in (SubscriptionSuspended(), DeliveryAbandoned()):
        assert {"subscription", "owner"} <= set(type(event).model_fields)
        assert not {"url", "secret"} & set(type(event).model_fields)
