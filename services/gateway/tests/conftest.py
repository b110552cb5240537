"""A gateway that stands, before a stand-in for accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import aiohttp
import pytest
from yarl import URL

from libs.shared.testing.host import Running, running
from services.gateway.app import SERVICE, opened_with
from services.gateway.parts import Parts
from services.gateway.tests.standin import StandIn, standin, table


@dataclass
class Stage:
    """A client, the gateway's parts, and what stands behind it."""

    suite: Running
    client: aiohttp.ClientSession
    accounts: StandIn

    @property
    def parts(self) -> Parts:
        """The gateway's parts."""
        parts: Parts = self.suite.services["gateway"].parts
        return parts

    def headers(self, user: str, **claims: Any) -> dict[str, str]:
        """A bearer's header; none for nobody."""
        return {"Authorization": f"Bearer {self.accounts.token(user, **claims)}"} if user else {}

    async def raw(self, head: str) -> tuple[int, str]:
        """What the gateway answers to these very bytes: a client library would tidy them."""
        url = URL(self.suite.gateway)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        try:
            writer.write(head.replace("\n", "\r\n").encode("utf-8", "surrogateescape"))
            answer = (await asyncio.wait_for(reader.read(65536), 5)).decode()
        finally:
            writer.close()
        return int(answer.split(" ", 2)[1]), answer

    async def ask(self, user: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status, and the body as JSON or text."""
        headers = {**self.headers(user), **more.pop("headers", {})}
        async with self.client.request(method, path, headers=headers, **more) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if answer.content_type.endswith("json") else text


@asynccontextmanager
async def staged(**settings: Any) -> AsyncIterator[Stage]:
    """Run a gateway with these settings."""
    made: list[StandIn] = []
    gateway = replace(SERVICE, open=partial(opened_with, table=table()))
    async with (
        running(standin(made), gateway, **settings) as suite,
        aiohttp.ClientSession(suite.gateway, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        yield Stage(suite, client, made[0])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A gateway with the usual settings."""
    async with staged() as made:
        yield made
