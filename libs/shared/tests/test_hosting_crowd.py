"""Clients that hold a listener and give nothing: raw sockets against the doors, on both event loops, with and without
TLS.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import uvloop
from aiohttp import web

from libs.shared.config import Endpoint
from libs.shared.hosting.connection import Cut
from libs.shared.hosting.crowd import Crowd
from libs.shared.hosting.listening import door, served
from libs.shared.http import tls
from libs.shared.http.limits import LIMITS, Limits
from libs.shared.values import SystemClock

SOON = Limits(head=0.25, handshake=0.25, idle=5, stall=0.3)
LATE = 5.0
ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"here"
MUCH = 32 << 20

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Street:
    """A door, who is behind it, and what was cut."""

    port: int
    crowd: Crowd
    cuts: Counter[Cut]
    tls: ssl.SSLContext | None
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def come(self) -> Streams:
        """Connect, handshake and all."""
        return await self._connected(self.tls)

    async def knock(self) -> Streams:
        """Connect, without the handshake that a TLS door waits for."""
        return await self._connected(None)

    async def _connected(self, context: ssl.SSLContext | None) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self.clients.append(writer)
        return reader, writer

    async def leave(self) -> None:
        """All clients go."""
        for writer in self.clients:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def empty(self, size: int = 0) -> None:
        """Return when so many are left inside."""
        async with asyncio.timeout(LATE):
            while len(self.crowd) != size:  # noqa: ASYNC110  # it is the crowd that is tried
                await asyncio.sleep(0.005)


async def answer(request: web.Request) -> web.StreamResponse:
    """At once, late, or with much."""
    if request.path == "/late":
        await asyncio.sleep(3 * SOON.head)
    if request.path == "/much":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MUCH >> 20):
            await response.write(bytes(1 << 20))
        return response
    return web.Response(body=ANSWER)


@asynccontextmanager
async def street(limits: Limits, *, secure: bool = False) -> AsyncIterator[Street]:
    """A door to an application with these limits."""
    app, cuts = web.Application(), Counter[Cut]()
    app[LIMITS] = limits
    app.router.add_route("*", "/{path:.*}", answer)
    with tempfile.TemporaryDirectory() as folder:
        context = client = None
        if secure:
            shown = tls.certificate(Path(folder), (), SystemClock())
            context, client = tls.context(shown), ssl.create_default_context(cafile=shown.ca)

        def told(cut: Cut) -> None:
            cuts[cut] += 1

        async with (
            served(app, 0.1, told=told) as crowd,
            door(crowd, Endpoint("127.0.0.1", 0), "ORRERY_LISTEN", context) as endpoint,
        ):
            made = Street(endpoint.port, crowd, cuts, client)
            yield made
        # the doors have closed first: nobody had to leave for that
        await made.leave()


async def end(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side closes."""
    read = b""
    try:
        async with asyncio.timeout(LATE):
            while chunk := await reader.read(65536):
                read += chunk
    except ConnectionError:
        pass
    return read


async def answered(reader: asyncio.StreamReader) -> bytes:
    """One answer, of a connection that goes on."""
    async with asyncio.timeout(LATE):
        await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(len(ANSWER))


Scenario = Callable[[bool], Awaitable[None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    """Run a scenario on a loop of this kind: transports are the loop's own."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def run(scenario: Awaitable[None]) -> None:
        async def awaited() -> None:
            await scenario

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(awaited())

    return run


Play = Callable[[Awaitable[None]], None]
either = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])


@either
def test_who_says_nothing_is_closed(play: Play, *, secure: bool) -> None:
    """A connection without a first byte ends at the time limit of a head, without a word."""

    async def scenario() -> None:
        async with street(SOON, secure=secure) as at:
            reader, writer = await at.come()
            assert await end(reader) == b""
            writer.close()
            await at.empty()
            assert at.cuts == {Cut.HEAD: 1}

    play(scenario())


@either
def test_a_dribbled_head_is_cut(play: Play, *, secure: bool) -> None:
    """One header after the other keeps no connection open: the limit is for the whole head, and it is told."""

    async def scenario() -> None:
        async with street(SOON, secure=secure) as at:
            reader, writer = await at.come()
            writer.write(b"GET / HTTP/1.1\r\n")

            async def dribble() -> None:
                while True:
                    writer.write(b"X: y\r\n")
                    await asyncio.sleep(SOON.head / 10)

            dribbling = asyncio.create_task(dribble())
            told = await end(reader)
            dribbling.cancel()
            writer.close()
            assert told.startswith(b"HTTP/1.1 408 ")
            await at.empty()
            assert at.cuts == {Cut.HEAD: 1}

    play(scenario())


@either
def test_later_heads_are_bounded_too_and_pauses_are_not(play: Play, *, secure: bool) -> None:
    """Between requests a connection may rest longer than a head may take; the next head is bounded from its own first
    byte.
    """

    async def scenario() -> None:
        async with street(SOON, secure=secure) as at:
            reader, writer = await at.come()
            for _ in range(2):
                writer.write(ASK)
                assert await answered(reader) == ANSWER
                await asyncio.sleep(1.5 * SOON.head)
            writer.write(ASK[:10])
            assert (await end(reader)).startswith(b"HTTP/1.1 408 ")

    play(scenario())


@either
def test_an_answer_may_take_longer_than_a_head(play: Play, *, secure: bool) -> None:
    """What is being answered is nobody's delay, though bytes of the next request come meanwhile."""

    async def scenario() -> None:
        async with street(SOON, secure=secure) as at:
            reader, writer = await at.come()
            writer.write(ASK.replace(b"/ ", b"/late ", 1) + ASK[:10])
            await asyncio.sleep(2 * SOON.head)
            writer.write(ASK[10:])
            assert await answered(reader) == ANSWER
            assert await answered(reader) == ANSWER
            assert not at.cuts

    play(scenario())


@either
def test_an_idle_connection_ends(play: Play, *, secure: bool) -> None:
    """After its answer a connection is kept for the idle time, no longer."""

    async def scenario() -> None:
        async with street(replace(SOON, idle=0.1), secure=secure) as at:
            reader, writer = await at.come()
            writer.write(ASK)
            assert await answered(reader) == ANSWER
            assert await end(reader) == b""
            writer.close()
            await at.empty()

    play(scenario())


@pytest.mark.parametrize(
    "first", [b"", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n"], ids=["silent", "half", "no"]
)
def test_a_handshake_that_never_ends_is_cut(play: Play, first: bytes) -> None:
    """It holds a place while it lasts, and gives it back; so does one that fails."""

    async def scenario() -> None:
        async with street(SOON, secure=True) as at:
            reader, writer = await at.knock()
            await at.empty(1)
            writer.write(first)
            await end(reader)
            writer.close()
            await at.empty()
            assert at.cuts == {Cut.HANDSHAKE: 1}
            reader, writer = await at.come()
            writer.write(ASK)
            assert await answered(reader) == ANSWER

    play(scenario())


@either
def test_a_client_that_reads_nothing_is_cut(play: Play, *, secure: bool) -> None:
    """An answer that nobody takes holds its connection and its memory for the stall time, no longer."""

    async def scenario() -> None:
        async with street(SOON, secure=secure) as at:
            _, writer = await at.come()
            writer.write(ASK.replace(b"/ ", b"/much ", 1))
            await at.empty(1)
            await at.empty()
            assert at.cuts == {Cut.STALL: 1}

    play(scenario())


@either
def test_more_than_the_bound_are_refused(play: Play, *, secure: bool) -> None:
    """Beyond the number a connection is closed at once, handshakes under way being counted; who leaves makes room."""

    async def scenario() -> None:
        async with street(replace(SOON, head=9, handshake=9, connections=2), secure=secure) as at:
            held = [await at.knock() for _ in range(2)]
            await at.empty(2)
            reader, writer = await at.knock()
            assert await end(reader) == b""
            writer.close()
            assert at.cuts == {Cut.FULL: 1}
            held[0][1].close()
            await at.empty(1)
            reader, writer = await at.come()
            writer.write(ASK)
            assert await answered(reader) == ANSWER

    play(scenario())


def test_one_address_has_its_own_bound(play: Play) -> None:
    """It leaves room for the others; networks that stand for many clients are not held to it."""

    async def scenario() -> None:
        limits = replace(SOON, head=9, per_address=1)
        async with street(limits) as at:
            _, held = await at.come()
            await at.empty(1)
            reader, writer = await at.come()
            assert await end(reader) == b""
            assert at.cuts == {Cut.ADDRESS: 1}
            held.close()
            writer.close()
            await at.empty()
            reader, writer = await at.come()
            writer.write(ASK)
            assert await answered(reader) == ANSWER
            writer.close()
        async with street(replace(limits, exempt=(ip_network("127.0.0.0/8"),))) as at:
            all_of_them = [await at.come() for _ in range(3)]
            await at.empty(3)
            assert not at.cuts
            assert len(all_of_them) == 3

    play(scenario())


async def test_an_ipv6_network_counts_as_one_address() -> None:
    """A client has a whole /64 to call from, and zones of link-local addresses are no other clients."""
    async with street(replace(SOON, per_address=1)) as at:
        first = at.crowd.enter(("2001:db8::1", 1, 0, 0))
        assert first is not None
        assert at.crowd.enter(("2001:db8::ffff", 2, 0, 0)) is None
        assert at.crowd.enter(("2001:db8:0:1::1", 3, 0, 0)) is not None
        assert at.crowd.enter(("fe80::1%eth0", 4, 0, 2)) is not None
        assert at.crowd.enter("") is not None, "a local socket has no address"
        first.leave()
        first.leave()
        assert at.crowd.enter(("2001:db8::2", 5, 0, 0)) is not None
        assert len(at.crowd) == 4


def test_doors_close_on_whoever_is_there(play: Play) -> None:
    """A handshake that is not finished and a connection that says nothing hold nothing up."""

    async def scenario() -> None:
        async with street(Limits(), secure=True) as at:
            first, _ = await at.knock()
            second, _ = await at.come()
            await at.empty(2)
        assert await end(first) == b""
        assert await end(second) == b""
        await at.empty()

    play(scenario())
