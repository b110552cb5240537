"""The embedded store against a bare `sqlite3` insert-and-commit loop of the same durability, in one run.

    python -m tests.bench.store [seconds]

A unit reads and writes one document and emits one event about it: document, event, sequence and unit id in one
transaction. The bare loop inserts one row of the same size a commit, WAL and synchronous=FULL, on the same disk.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from libs.shared.event import Event
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Document, Equal, Find, Index, Unit
from libs.shared.store.sqlite import SqliteStore, open_store
from libs.shared.values import SystemClock, time_ordered_id


class Account(Document):
    """A document as services keep them: a few fields, two indexes."""

    INDEXES = (Index(("email",), unique=True), Index(("labels",)))

    name: str
    email: str
    labels: tuple[str, ...] = ()
    description: str = ""
    logins: int = 0


class AccountChanged(Event):
    """What each unit tells."""

    SERVICE = "bench"

    account: str = ""
    logins: int = 0


def account(name: str) -> Account:
    """A document of some 300 bytes."""
    return Account(name=name, email=f"{name}@example.com", labels=("team=one", "tier=2"), description="x" * 160)


async def create(unit: Unit, name: str) -> None:
    """Make an account and tell of it."""
    made = await unit.of(Account).add(account(name))
    unit.emit(AccountChanged(account=name), subject=f"accounts/{name}", about=made)


async def touch(unit: Unit, name: str) -> None:
    """Change an account and tell of it."""
    accounts = unit.of(Account)
    standing = await accounts.get(name)
    changed = await accounts.put(standing.model_copy(update={"logins": standing.logins + 1}))
    unit.emit(AccountChanged(account=name, logins=changed.logins), subject=f"accounts/{name}", about=changed)


async def note(unit: Unit, event: str) -> None:
    """Note an event in the inbox: the least a reaction does."""
    if not await unit.seen("bench", event):
        unit.note("bench", event)


def bare(folder: Path, seconds: float) -> float:
    """Commits a second of the peer."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (key TEXT PRIMARY KEY, body TEXT)")
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        body = json.dumps(account(f"n{done}").model_dump())
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?, ?)", (f"n{done}", body))
        connection.execute("COMMIT")
        done += 1
    elapsed = time.perf_counter() - start
    connection.close()
    return done / elapsed


async def rate(seconds: float, width: int, one: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Calls a second with so many in flight, and the 99th percentile of their time in milliseconds."""
    stop, count, times = time.perf_counter() + seconds, 0, []

    async def run() -> None:
        nonlocal count
        while (begun := time.perf_counter()) < stop:
            count += 1
            await one(count)
            times.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(width)))
    elapsed = time.perf_counter() - begun
    return len(times) / elapsed, sorted(times)[int(len(times) * 0.99)] * 1_000


async def reads(store: SqliteStore, seconds: float) -> tuple[float, float]:
    """Point reads and finds by a unique index, a second."""
    reader, found = store.of(Account), Find((Equal("email", "touch7@example.com"),))
    point, _ = await rate(seconds, 1, lambda i: reader.get(f"touch{i % 500}"))
    index, _ = await rate(seconds, 1, lambda _: reader.find(found))
    return point, index


def works(store: SqliteStore, width: int) -> dict[str, Callable[[int], Awaitable[object]]]:
    """What is measured, each by the number of its call; names differ from width to width."""
    return {
        "create": lambda i: store.transact(create, f"made{width}-{i}"),
        "touch": lambda i: store.transact(touch, f"touch{i % 500}"),
        "inbox note": lambda i: store.transact(note, f"event{width}-{i}"),
    }


async def measure(folder: Path, seconds: float) -> None:
    """Print all figures."""
    peer = bare(folder, seconds)
    print(f"bare sqlite3 insert+commit       {peer:9.0f} /s   1.00")
    store = await open_store(
        folder / "store.db",
        (Account,),
        clock=SystemClock(),
        ids=time_ordered_id,
        source="bench",
        failpoints=Failpoints(),
    )
    for i in range(500):
        await store.transact(create, f"touch{i}")
    for width in (1, 64):
        for name, one in works(store, width).items():
            got, slow = await rate(seconds, width, one)
            print(f"{name:<12} {width:>3} in flight         {got:9.0f} /s  {got / peer:5.2f}   p99 {slow:6.2f} ms")
    point, index = await reads(store, seconds)
    print(f"point read                       {point:9.0f} /s")
    print(f"find by unique index             {index:9.0f} /s")
    print(f"bare sqlite3, again              {bare(Path(tempfile.mkdtemp(dir=folder)), seconds):9.0f} /s")
    await store.close()


def main() -> None:
    """Run it in a temporary folder under the working directory, so that it is on a real disk."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        try:
            import uvloop  # noqa: PLC0415 -- optional, as in the product
        except ImportError:
            asyncio.run(measure(Path(folder), seconds))
        else:
            uvloop.run(measure(Path(folder), seconds))


if __name__ == "__main__":
    main()
