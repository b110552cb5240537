"""An event to 1,000 followers: how late the last one has it, and what a follower weighs.

    python -m tests.bench.followers [--followers 1000] [--events 100] [--rate 10]

Ours is the events service as it runs: bus (one fsync), mirror and log (another), feed, a stream a follower that checks
what its reader may see, HTTP. The peer is a bare asyncio loop that writes the same bytes to as many sockets and keeps
nothing. Followers are sockets in a process of their own; both ends read the same monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import pathlib
import re
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

import uvloop
from aiohttp import web

from libs.shared.contracts.accounts_v1 import WorkspaceChanged
from libs.shared.http.identity import IDENTITY
from libs.shared.values import SystemClock
from services.events.domain.entry import entered
from services.events.parts import Parts
from services.events.rest import ROUTES
from services.events.shapes.log import frame
from services.events.tests.stage import envelope, handling, identity, opened, working

PATH = ROUTES[0].path
MARK = re.compile(rb"^id: (\d+)$", re.MULTILINE)


class Follower(asyncio.Protocol):
    """Sends the request, then notes when each event came."""

    def __init__(self, request: bytes, came: dict[int, list[float]]) -> None:
        self.request, self.came, self.rest = request, came, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole, _, self.rest = (self.rest + data).rpartition(b"\n")
        for number in MARK.findall(whole + b"\n"):
            self.came.setdefault(int(number), []).append(now)


async def follow(port: int, followers: int, events: int) -> None:
    """The child: connect, say so, and at the end print when each event came to each follower."""
    came: dict[int, list[float]] = {}
    loop = asyncio.get_running_loop()
    request = f"GET {PATH}?follow=true HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    kept = [await loop.create_connection(lambda: Follower(request, came), "127.0.0.1", port) for _ in range(followers)]
    print("connected", flush=True)
    while sum(len(times) for times in came.values()) < followers * events:  # noqa: ASYNC110  # polls beside what it measures
        await asyncio.sleep(0.05)
    print(json.dumps(came), flush=True)
    for transport, _ in kept:
        transport.abort()


class Bare(asyncio.Protocol):
    """The peer's end of a connection."""

    def __init__(self, open_now: set[asyncio.Transport]) -> None:
        self.open_now = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.open_now.add(self.transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.open_now.discard(self.transport)


@dataclass
class Figures:
    """In milliseconds, KiB, and microseconds of the server's CPU for each event at each follower."""

    p50: float
    p99: float
    first: float
    spread: float
    memory: float
    cpu: float


def figures(sent: dict[int, float], came: dict[str, list[float]], memory: float, cpu: float) -> Figures:
    """Over every event and follower; `first` until one follower has it, `spread` from the first to the last."""
    late = sorted(at - sent[int(number)] for number, times in came.items() for at in times)
    firsts = sorted(min(times) - sent[int(number)] for number, times in came.items())
    spreads = sorted(max(times) - min(times) for times in came.values())
    middle = len(firsts) // 2
    found = (late[len(late) // 2], late[int(len(late) * 0.99)], firsts[middle], spreads[middle])
    late50, late99, first, spread = (1e3 * seconds for seconds in found)
    return Figures(late50, late99, first, spread, memory, 1e6 * cpu / len(late))


def resident() -> float:
    """This process's memory in KiB."""
    status = pathlib.Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


class Run:
    """One side: followers in a child, events at a steady rate."""

    def __init__(self, followers: int, events: int, rate: float) -> None:
        self.followers, self.events, self.rate = followers, events, rate

    async def measured(self, port: int, tell: Callable[[int], Awaitable[None]]) -> Figures:
        """`tell(number)` tells one event."""
        gc.collect()
        before = resident()
        arguments = [sys.executable, "-m", "tests.bench.followers", "--child", str(port)]
        arguments += ["--followers", str(self.followers), "--events", str(self.events)]
        child = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 30)
        assert child.stdout is not None
        assert await child.stdout.readline() == b"connected\n"
        await asyncio.sleep(1)
        memory = (resident() - before) / self.followers
        sent, began = {}, time.process_time()
        for number in range(1, self.events + 1):
            sent[number] = time.monotonic()
            await tell(number)
            await asyncio.sleep(1 / self.rate)
        came = json.loads(await child.stdout.readline())
        cpu = time.process_time() - began
        await child.wait()
        return figures(sent, came, memory, cpu)


async def ours(run: Run, folder: pathlib.Path) -> Figures:
    """The events service over a raw aiohttp server."""

    @web.middleware
    async def identified(request: web.Request, handler) -> web.StreamResponse:
        request[IDENTITY] = identity("bob", "ws1")
        return await handler(request)

    most = run.followers + 1
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        parts: Parts = await stack.enter_async_context(opened(folder, clock=clock, streams=most, streams_per_user=most))
        await stack.enter_async_context(working(parts))
        app = web.Application(middlewares=[identified])
        app.router.add_get(PATH, handling(ROUTES[0], parts))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(parts.feed.close)
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()

        async def tell(number: int) -> None:
            event = WorkspaceChanged(workspace="ws1", uid=str(number))
            await parts.bus.publish([envelope(event, "workspaces/ws1", "ws1", at=clock())])

        return await run.measured(runner.addresses[0][1], tell)


async def peer(run: Run) -> Figures:
    """A bare loop over sockets."""
    open_now: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Bare(open_now), "127.0.0.1", 0, backlog=1024)

    async def tell(number: int) -> None:
        event = WorkspaceChanged(workspace="ws1", uid=str(number))
        wire = frame(entered(envelope(event, "workspaces/ws1", "ws1"), number))
        for transport in open_now:
            transport.write(wire)

    try:
        return await run.measured(server.sockets[0].getsockname()[1], tell)
    finally:
        server.close()


def line(name: str, found: Figures) -> str:
    late = f"p50 {found.p50:6.1f} ms  p99 {found.p99:6.1f} ms  first {found.first:5.1f} ms"
    cost = f"{found.memory:5.1f} KiB a follower  {found.cpu:5.1f} us CPU a delivery"
    return f"{name:23} {late}  first to last {found.spread:6.1f} ms  {cost}"


async def main(run: Run) -> None:
    """Both sides, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        found = await ours(run, pathlib.Path(folder))  # first: memory that a first run has left free would flatter it
    bare = await peer(run)
    print(f"{run.followers} followers, {run.events} events at {run.rate:g} a second")
    print(line("bare asyncio broadcast", bare))
    print(line("events service", found))
    ratios = (found.p99 / bare.p99, found.spread / bare.spread, found.cpu / bare.cpu)
    print("ratio: p99 {:.1f}, first to last {:.1f}, CPU {:.1f}".format(*ratios))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if given.child:
        uvloop.run(follow(given.child, given.followers, given.events))
    else:
        uvloop.run(main(Run(given.followers, given.events, given.rate)))
