"""Command -> commit -> relay -> bus -> reaction noted, embedded: two stores and a bus, all durable.

The rate with 64 commands in flight against bare `sqlite3` inserting and committing with the same durability; and the
time from a command's start to its reaction's commit at 1,000 commands a second.

Run: python -m tests.bench.pipeline [--profile FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import uvloop

from libs.shared import delivery
from libs.shared.bus.embedded import open_bus
from libs.shared.contracts.accounts_v1 import UserCreated
from libs.shared.delivery.consume import Consumer
from libs.shared.delivery.react import Reactor
from libs.shared.delivery.relay import Relay
from libs.shared.event import CAUSE, Cause
from libs.shared.failpoints import Failpoints
from libs.shared.hosting.process import calm_collector
from libs.shared.service import On
from libs.shared.store.protocol import Document, Store, Unit
from libs.shared.store.sqlite import SqliteStore, open_store
from libs.shared.telemetry.make import silent
from libs.shared.values import SystemClock, TimeOrderedIds
from tests.bench.bare import bare_rate

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
"""A request's trace that no exporter records, as in an embedded suite."""
IN_FLIGHT = 64
SECONDS = 5


class User(Document):
    """What the command writes."""

    name: str
    email: str
    groups: tuple[str, ...] = ()


class Letter(Document):
    """What the reaction writes."""

    KEY: ClassVar[str] = "to"

    to: str
    text: str


async def make_user(unit: Unit, name: str) -> None:
    """The command: look, keep, tell."""
    users = unit.of(User)
    await users.look(name)
    user = await users.put(User(name=name, email=f"{name}@example.com", groups=("one", "two")))
    unit.emit(UserCreated(user=name, uid="0190f0e2", email=user.email, by="admin"), subject=f"users/{name}", about=user)


class Line:
    """The whole pipeline, and when each user's reaction was committed."""

    def __init__(self, accounts: SqliteStore, mail: SqliteStore) -> None:
        self.accounts = accounts
        self.mail = mail
        self.handled = 0
        self.began: dict[str, float] = {}
        self.waits: list[float] = []
        self.idle = asyncio.Event()
        self.slots = asyncio.Semaphore(IN_FLIGHT)
        self._count = 0

    async def queue_letter(self, unit: Unit, event: UserCreated) -> None:
        """The reaction."""
        await unit.of(Letter).put(Letter(to=event.user, text="welcome"))

    async def command(self) -> None:
        """One command, with its commit."""
        self._count += 1
        name = f"user-{self._count}"
        self.began[name] = time.perf_counter()
        self.idle.clear()
        CAUSE.set(Cause(actor="admin", correlation=name, traceparent=TRACE))  # as the HTTP server does for a request
        await self.accounts.transact(make_user, name)

    def noted(self, user: str) -> None:
        """Its reaction is durable."""
        self.waits.append(time.perf_counter() - self.began.pop(user))
        self.handled += 1
        self.slots.release()
        if not self.began:
            self.idle.set()


class Watched:
    """A store that tells the line when a unit of its reaction has committed."""

    def __init__(self, store: Store, line: Line) -> None:
        self._store = store
        self._line = line

    async def transact(self, work: Any, run: Any, inner: Any) -> Any:
        """As the store's own; only the reactor calls it."""
        outcome = await self._store.transact(work, run, inner)
        self._line.noted(inner.keywords["event"].user)
        return outcome


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Line]:
    """Stores, bus, relay and consumer, open and at work."""
    clock, failpoints = SystemClock(), Failpoints()

    async def store(name: str, kind: type[Document]) -> SqliteStore:
        documents = (kind, *delivery.DOCUMENTS)
        path = folder / f"{name}.db"
        return await open_store(
            path, documents, clock=clock, ids=TimeOrderedIds(), source=f"/{name}", failpoints=failpoints
        )

    accounts, mail = await store("accounts", User), await store("mail", Letter)
    bus = await open_bus(folder / "bus.db", clock=clock, failpoints=failpoints)
    line = Line(accounts, mail)
    telemetry = silent("mail")
    watched: Any = Watched(mail, line)
    reactor = Reactor("mail", [On(UserCreated, line.queue_letter)], watched, telemetry)
    relay = Relay(accounts, bus, source="/accounts", clock=clock, telemetry=silent("accounts"), failpoints=failpoints)
    consumer = Consumer(reactor, store=mail, bus=bus, clock=clock, telemetry=telemetry, failpoints=failpoints)
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(consumer.run())]
    try:
        yield line
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await bus.close()
        await accounts.close()
        await mail.close()


async def rate(line: Line, seconds: float = SECONDS) -> float:
    """Commands a second whose reaction is noted, with 64 in flight from command to note."""
    line.slots = asyncio.Semaphore(IN_FLIGHT)
    before, began = line.handled, time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    while time.perf_counter() - began < seconds:
        await line.slots.acquire()
        task = asyncio.create_task(line.command())
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    await line.idle.wait()
    took = time.perf_counter() - began
    return (line.handled - before) / took


async def latencies(line: Line, per_second: int = 1000, seconds: float = SECONDS) -> list[float]:
    """Sorted seconds from command to noted reaction, at a steady rate."""
    line.waits.clear()
    loop = asyncio.get_running_loop()
    began, running = loop.time(), set()
    for n in range(int(per_second * seconds)):
        if (ahead := began + n / per_second - loop.time()) > 0:
            await asyncio.sleep(ahead)
        task = asyncio.create_task(line.command())
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    await line.idle.wait()
    return sorted(line.waits)


async def measure(folder: Path) -> tuple[float, list[float]]:
    """The rate, and the latencies."""
    async with running(folder) as line:
        calm_collector()
        await rate(line, 1)
        return await rate(line), await latencies(line)


def main() -> None:
    """Print figures and ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = bare_rate(folder)
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        handled, waits = uvloop.run(measure(folder))
        if options.profile:
            profile.dump_stats(options.profile)
    print(f"bare sqlite3 insert+commit   {bare:8.0f} /s")
    print(f"pipeline, {IN_FLIGHT} in flight       {handled:8.0f} /s   {handled / bare:5.2f} x bare")
    for part in (50, 99, 99.9):
        print(f"at 1,000 commands/s   p{part:<5} {waits[int(len(waits) * part / 100)] * 1000:8.2f} ms")


if __name__ == "__main__":
    main()
