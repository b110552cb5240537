"""Clients that hold the gateway: a body that dribbles, a head that doesn't come, more connections than are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry
from yarl import URL

from services.gateway.tests.conftest import Stage, staged

SHORT = 0.3
LATE = 5.0
USERS = "POST /kapis/iam.kubesphere.io/v1alpha2/users HTTP/1.1\r\nHost: a\r\n"


@asynccontextmanager
async def client(stage: Stage) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to the gateway."""
    url = URL(stage.suite.gateway)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def dribble(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """A little, again and again."""
    while True:
        writer.write(piece)
        await asyncio.sleep(SHORT / 10)


def cuts(registry: CollectorRegistry, reason: str) -> float:
    """How many connections were cut for this."""
    return registry.get_sample_value("orrery_connections_cut_total", {"reason": reason}) or 0


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        ("Content-Length: 60000", b" "),
        ("Content-Length: 4000000", b" "),
        ("Transfer-Encoding: chunked", b"1\r\n \r\n"),
    ],
    ids=["small", "large", "chunked"],
)
async def test_a_body_that_dribbles_is_cut(framing: str, piece: bytes) -> None:
    """Whether it is read whole to be signed or passed on as it comes, the upload ends with the request's time."""
    async with staged(gateway_timeout=SHORT) as stage, client(stage) as (reader, writer):
        token = stage.headers("admin")["Authorization"]
        writer.write(f"{USERS}Authorization: {token}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n".encode())
        dribbling = asyncio.create_task(dribble(writer, piece))
        try:
            async with asyncio.timeout(LATE):
                head = await reader.readuntil(b"\r\n\r\n")
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await reader.readexactly(1 << 20)
        finally:
            dribbling.cancel()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in head
    async with staged() as stage:
        assert (await stage.ask("admin", "POST", "/kapis/iam.kubesphere.io/v1alpha2/users", data=b"{}"))[0] == 200


async def test_a_head_that_dribbles_is_cut() -> None:
    """The setting reaches the listener, and the cut is counted among the gateway's metrics."""
    async with staged(gateway_head_timeout=SHORT) as stage, client(stage) as (reader, writer):
        writer.write(USERS.encode())
        async with asyncio.timeout(LATE):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        assert cuts(stage.suite.services["gateway"].host.telemetry.registry, "head") == 1


async def test_connections_are_bounded() -> None:
    """In all, and for one address; a declared proxy stands for many clients."""
    async with staged(gateway_connections_per_address=2) as stage, client(stage), client(stage):
        async with client(stage) as (reader, _), asyncio.timeout(LATE):
            assert await reader.read() == b""
        assert cuts(stage.suite.services["gateway"].host.telemetry.registry, "address") == 1
    proxied = {"gateway_connections_per_address": 1, "gateway_proxies": "127.0.0.0/8"}
    async with staged(gateway_connections=3, **proxied) as stage, client(stage), client(stage):
        async with client(stage) as (reader, writer), asyncio.timeout(LATE):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        async with client(stage), client(stage) as (reader, _), asyncio.timeout(LATE):
            assert await reader.read() == b""
