"""Subscriptions through the gateway: what a member is told follows what the gateway lets him see, until he is out."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.faults.traffic import invite, remove, user, workspace
from tests.suite import running

ADMIN = "Adm1n-first-Pass"
BOB = "Passw0rd-1"
PATH = "/kapis/events.orrery.io/v1/subscriptions"


async def signed_in(session: aiohttp.ClientSession, name: str, password: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": name, "password": password, "client_id": "kubesphere"}
    async with session.post("/oauth/token", data=form | {"client_secret": "kubesphere"}) as answer:
        assert answer.status == 200, await answer.text()
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


async def test_a_member_is_told_what_he_sees_and_nothing_once_he_is_out() -> None:
    """Events of his workspace arrive at his receiver, those of another never do, nor any after his removal; nobody
    without an account may subscribe.
    """
    posts: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append(orjson.loads(await request.read()))
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/hook", take)
    async with (
        TestServer(receiver) as server,
        running(admin_password=ADMIN, egress_allow="127.0.0.1") as suite,
        aiohttp.ClientSession(suite.gateway) as session,
    ):
        admin = await signed_in(session, "admin", ADMIN)

        async def do(command: Any) -> None:
            async with session.request(command.method, command.path, json=command.body, headers=admin) as answer:
                assert answer.status == 200, await answer.text()

        for command in (user("bob"), user("eve"), workspace("ws1"), workspace("ws2"), invite("ws1", "bob")):
            await do(command)
        bob = await signed_in(session, "bob", BOB)
        sink = {"type": "webhook", "url": str(server.make_url("/hook"))}
        wish = {"name": "mine", "types": ["WorkspaceMemberInvited"], "sink": sink}
        async with session.post(PATH, json=wish) as answer:
            assert answer.status == 403
        async with session.post(PATH, json=wish, headers=bob) as answer:
            assert answer.status == 201, await answer.text()
        await do(invite("ws2", "eve"))
        await do(invite("ws1", "eve"))
        async with asyncio.timeout(20):
            while not posts:  # noqa: ASYNC110  # a server of another task
                await asyncio.sleep(0.02)
        assert [(post["workspace"], post["data"]["user"]) for post in posts] == [("ws1", "eve")]
        await do(remove("ws1", "bob"))
        await asyncio.sleep(1.1)  # as long as a revocation may take
        await do(remove("ws1", "eve"))
        await do(invite("ws1", "eve"))
        await asyncio.sleep(1)
        assert len(posts) == 1
