"""The demo behind the gateway: a workspace and a project to look at from the first start, for whom they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.forwarded import ADMIN, IAM, PASSWORD, TENANT, Town
from tests.suite import running

SECONDS = 30
PODS = "/api/v1/namespaces/demo-project/pods"
PROJECTS = f"{TENANT}/v1alpha2/workspaces/demo-ws/namespaces"
USER = {"metadata": {"name": "eve"}, "spec": {"email": "eve@example.com", "password": PASSWORD}}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A first start on the sandbox; admin is signed in."""
    services = ("gateway", "accounts", "cluster")
    async with (
        running(*services, admin_password=PASSWORD, data=tmp_path, demo=True) as suite,
        aiohttp.ClientSession(suite.gateway, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        found = Town(suite, client)
        await found.sign_in(ADMIN)
        yield found


async def until(town: Town, path: str, enough: Any) -> list[dict[str, Any]]:
    """What is listed there, once it is enough."""
    async with asyncio.timeout(SECONDS):
        while True:
            status, body = await town.ask(ADMIN, "GET", path)
            if status == 200 and enough(body["items"]):
                return list(body["items"])
            await asyncio.sleep(0.1)


async def test_a_first_start_has_something_to_look_at(town: Town) -> None:
    """The demo's workspace with its project, whose pods run and log; a stranger sees neither; with the workspace the
    project goes.
    """
    spaces = await town.done(ADMIN, "GET", f"{TENANT}/v1alpha3/workspacetemplates")
    assert "demo-ws" in {item["metadata"]["name"] for item in spaces["items"]}
    await until(town, PROJECTS, lambda items: [item["metadata"]["name"] for item in items] == ["demo-project"])
    pods = await until(town, PODS, lambda items: sum(item["status"]["phase"] == "Running" for item in items) > 8)
    name = next(pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith("web-"))
    assert "docker-entrypoint" in (await town.ask(ADMIN, "GET", f"{PODS}/{name}/log"))[1]
    await town.done(ADMIN, "POST", f"{IAM}/users", json=USER)
    await town.sign_in("eve")
    for path in (PODS, f"{PODS}/{name}/log", "/api/v1/nodes/node-1/proxy/metrics/cadvisor"):
        assert (await town.ask("eve", "GET", path))[0] == 403, path
    assert (await town.done("eve", "GET", PROJECTS))["items"] == []
    await town.done(ADMIN, "DELETE", f"{TENANT}/v1alpha3/workspacetemplates/demo-ws")
    await town.eventually(ADMIN, "/api/v1/namespaces/demo-project", 404)
