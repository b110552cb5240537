"""Services that are opened once clients have been let in: asked for early, failing, and ended in the middle."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from libs.shared.config import Settings
from libs.shared.config.reader import read
from libs.shared.errors import Broken
from libs.shared.hosting.suite import Suite, suite_opened
from libs.shared.http.route import Access, Route
from libs.shared.service import Host, Later, Service


class NoSettings(Settings):
    """None of its own."""


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Host]:
    yield host


@asynccontextmanager
async def failing(_host: Host) -> AsyncIterator[Host]:
    raise Broken("no-luck", "no luck")
    yield


async def name(_request: web.Request, host: Host) -> web.Response:
    """Who answers."""
    return web.json_response(host.service)


def service(of: str, opening: Any = opened) -> Service:
    routes = (Route("GET", "/name", name, access=Access.INTERNAL),)
    return Service(name=of, about="Answers.", settings=NoSettings, open=opening, routes=routes)


def suite(data: Path, *later: Later) -> AbstractAsyncContextManager[Suite]:
    models = dict.fromkeys(("first", *(one.name for one in later)), NoSettings)
    effective = read(models, variables={"ORRERY_DATA": str(data), "ORRERY_LOG_LEVEL": "error"})
    return suite_opened([service("first")], effective, later=later, logs=sys.stderr)


async def test_a_request_waits_for_a_service_that_is_being_opened(tmp_path: Path) -> None:
    """Whoever asks before it stands gets its answer once it does, and no refusal; it was imported off the loop."""
    go, imported_in = threading.Event(), []

    def load() -> Service:
        go.wait(10)
        imported_in.append(threading.current_thread())
        return service("second")

    async with suite(tmp_path, Later("second", load)) as stands:
        upstreams = stands.services[0].host.upstreams

        async def ask() -> int:
            async with upstreams.request("second", "GET", "/name") as answer:
                return answer.status

        asking = asyncio.create_task(ask())
        await asyncio.sleep(0.02)
        assert not asking.done()
        go.set()
        assert await asking == 401  # it stands, and wants to know who asks
        await stands.rest
    assert imported_in != [threading.main_thread()]


async def test_one_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """Its error is the rest's, whoever runs the process sees it, and everything closes."""
    async with suite(tmp_path, Later("second", lambda: service("second", failing))) as stands:
        with pytest.raises(Broken, match="no luck"):
            await stands.rest
    async with suite(tmp_path):
        pass


async def test_the_end_does_not_wait_for_what_is_not_open_yet(tmp_path: Path) -> None:
    """Ended in the middle of opening: what stands is closed, and the rest is never opened."""
    go, opened_ones = threading.Event(), []

    @asynccontextmanager
    async def noting(host: Host) -> AsyncIterator[Host]:
        opened_ones.append(host.service)
        yield host
        opened_ones.remove(host.service)

    def load() -> Service:
        go.wait(10)
        return service("third", noting)

    later = Later("second", lambda: service("second", noting)), Later("third", load)
    async with asyncio.timeout(5):
        async with suite(tmp_path, *later):
            while opened_ones != ["second"]:  # noqa: ASYNC110  # opened by another task
                await asyncio.sleep(0.005)
        assert opened_ones == []
    go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
