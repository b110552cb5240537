"""The log and the letters as users meet them: through the gateway, role by role, until they are cut off."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import orjson
import pytest

from tests.faults.process import PASSWORD, Suite
from tests.faults.traffic import Command, invite, remove, user, workspace

EVENTS = "/kapis/events.orrery.io/v1/events"
LETTERS = "/kapis/notification.orrery.io/v1/letters"


class Visit(NamedTuple):
    """A running suite, and how to speak to it."""

    suite: Suite
    session: aiohttp.ClientSession

    async def token(self, name: str, password: str) -> dict[str, str]:
        """Sign in; the header to send."""
        form = {"grant_type": "password", "username": name, "password": password, "client_id": "kubesphere"}
        async with self.session.post(
            self.suite.base + "/oauth/token", data=form | {"client_secret": "kubesphere"}
        ) as answer:
            assert answer.status == 200, await answer.text()
            return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def get(self, path: str, who: dict[str, str]) -> tuple[int, Any]:
        """Status, and the JSON of a success."""
        async with self.session.get(self.suite.base + path, headers=who) as answer:
            return answer.status, await answer.json() if answer.status == 200 else await answer.text()

    async def ask(self, command: Command, who: dict[str, str]) -> None:
        """Do it."""
        url = self.suite.base + command.path
        async with self.session.request(command.method, url, json=command.body, headers=who) as answer:
            assert answer.status == 200, (command, await answer.text())

    @asynccontextmanager
    async def stream(self, who: dict[str, str], after: int = 0) -> AsyncIterator[aiohttp.StreamReader]:
        """Follow the log."""
        url = f"{self.suite.base}{EVENTS}?follow=true&after={after}"
        async with self.session.get(url, headers=who) as answer:
            assert answer.status == 200, await answer.text()
            yield answer.content


async def events(stream: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """Each event of a stream, until it ends; `cut` is one without a position."""
    try:
        while line := await stream.readline():
            if line.startswith(b"data: "):
                yield orjson.loads(line[6:])
    except aiohttp.ClientPayloadError:
        return  # ended from the other side


@pytest.fixture
async def visit(tmp_path: pathlib.Path) -> AsyncIterator[Visit]:
    (tmp_path / "data").mkdir()
    suite = Suite(tmp_path / "data", "outbox:")
    await suite.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        yield Visit(suite, session)
    assert await suite.stop() == 0


async def test_bobs_story(visit: Visit) -> None:
    """Bob is made, invited, removed and disabled: what he sees of the log, what he is written, and when he is cut."""
    admin = await visit.token("admin", PASSWORD)
    for command in (user("bob"), user("eve"), workspace("ws1"), invite("ws1", "bob")):
        await visit.ask(command, admin)
    bob, eve = await visit.token("bob", "Passw0rd-1"), await visit.token("eve", "Passw0rd-1")

    his = await invited(visit, bob)
    _, everything = await visit.get(EVENTS + "?limit=1000", admin)
    assert [item["position"] for item in everything["items"]] == list(range(1, len(everything["items"]) + 1))
    assert {item["workspace"] for item in his["items"]} == {"ws1"}
    assert "@example.com" not in orjson.dumps(his).decode()
    assert await visit.get(EVENTS, eve) == (200, {"items": [], "next": 0, "oldest": 1})
    assert (await visit.get(EVENTS, {}))[0] in (401, 403)
    assert (await visit.get(LETTERS, bob))[0] == 403

    async with visit.stream(bob) as content:
        stream = events(content)
        seen = [await anext(stream)]
        while seen[-1]["position"] < his["items"][-1]["position"]:
            seen.append(await anext(stream))
        assert [item["id"] for item in seen] == [item["id"] for item in his["items"]]
        await visit.ask(remove("ws1", "bob"), admin)
        await visit.ask(invite("ws1", "eve"), admin)
        told = asyncio.create_task(drained(stream))
        await disable(visit, admin, "bob")
        rest = await asyncio.wait_for(told, 5)
        assert "WorkspaceMemberInvited" not in {item["type"].rpartition(".")[2] for item in rest if "type" in item}
    assert (await visit.get(EVENTS, bob))[0] == 401

    letters = await written(visit, admin, "bob@example.com", 3)
    assert sorted(item["occasion"] for item in letters) == ["disabled", "invited", "welcome"]
    assert {item["state"] for item in letters} == {"sent"}
    files = {path.stem for path in (visit.suite.data / "mail").glob("*.eml")}
    assert {item["id"] for item in letters} <= files


async def invited(visit: Visit, who: dict[str, str]) -> Any:
    """What he sees of the log, once that he was invited is in it."""
    async with asyncio.timeout(20):
        while True:
            _, found = await visit.get(EVENTS + "?limit=1000", who)
            if any(item["type"].endswith("WorkspaceMemberInvited") for item in found["items"]):
                return found
            await asyncio.sleep(0.05)


async def drained(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes until the end."""
    return [item async for item in stream]


async def disable(visit: Visit, admin: dict[str, str], name: str) -> None:
    """Nobody may sign in with the account any more."""
    url = f"{visit.suite.base}/apis/iam.kubesphere.io/v1alpha2/users/{name}"
    headers = {**admin, "Content-Type": "application/merge-patch+json"}
    patch = orjson.dumps({"status": {"state": "Disabled"}})
    async with visit.session.patch(url, data=patch, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def written(visit: Visit, admin: dict[str, str], to: str, number: int) -> list[dict[str, Any]]:
    """The letters to an address, once there are so many and all have left."""
    async with asyncio.timeout(20):
        while True:
            _, page = await visit.get(f"{LETTERS}?to={to}", admin)
            if len(page["items"]) >= number and all(item["state"] == "sent" for item in page["items"]):
                return list(page["items"])
            await asyncio.sleep(0.05)
