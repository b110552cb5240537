"""The embedded series: samples taken a second, and a page of named metrics, beside a bare SQLite and a Prometheus.

    python -m tests.bench.monitoring [--prometheus PATH] [--rounds 40] [--runs 20]

Intake: batches of 5,000 samples of as many series, each on disk before the next. In the process, the peer inserts the
same rows into one bare `sqlite3` table by `executemany`, WAL and synchronous=FULL. Over HTTP, the route without the
gateway before it takes bodies of remote write, and the peer is a Prometheus (which doesn't wait for its disk).

Pages: all 49 metrics of the cluster and all of a namespace's, at
one moment and over ten minutes. Both sources hold the same samples, recording rules' among them, and are asked through
the same interface: the embedded one in the process, Prometheus over HTTP on sixteen connections.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient

from libs.shared.values import SystemClock
from services.monitoring.clients.embedded import Embedded
from services.monitoring.domain.labels import labels_of
from services.monitoring.domain.moment import Moments
from services.monitoring.domain.sample import Reading
from services.monitoring.parts import Metrics
from services.monitoring.rest.prometheus import API
from services.monitoring.settings import MonitoringSettings
from services.monitoring.tests.peer import body, holding, page, pushed, scraped
from services.monitoring.tests.stage import now, opened, serving
from tests.faults.process import free_port

BATCH = 5_000
LEVELS = ("cluster", "namespace")
Rows = Sequence[Reading]


def batches(count: int) -> list[Rows]:
    """Batches of one sample a series, 15 s apart, up to the present."""
    series = [labels_of({"__name__": "bench", "pod": f"pod-{n}", "namespace": f"ns-{n % 50}"}) for n in range(BATCH)]
    first = int(time.time() * 1000) - count * 15_000
    return [[(one, first + step * 15_000, step + n / 7) for n, one in enumerate(series)] for step in range(count)]


async def taken(folder: Path, several: Sequence[Rows]) -> float:
    """Samples a second that the embedded store takes."""
    store = Embedded(folder / "series", MonitoringSettings(), SystemClock())
    await store.write(several[0])
    began = time.perf_counter()
    for rows in several[1:]:
        await store.write(rows)
    took = time.perf_counter() - began
    await store.close()
    return BATCH * (len(several) - 1) / took


def inserted(folder: Path, several: Sequence[Rows]) -> float:
    """Rows a second of a bare table."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE sample (series INTEGER, at INTEGER, value REAL, PRIMARY KEY (series, at))")
    numbers = {labels: number for number, (labels, _, _) in enumerate(several[0])}
    began = time.perf_counter()
    for rows in several[1:]:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO sample VALUES (?, ?, ?)", [(numbers[row[0]], *row[1:]) for row in rows])
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return BATCH * (len(several) - 1) / took


@asynccontextmanager
async def prometheus(program: str, folder: Path) -> AsyncIterator[str]:
    """A Prometheus on a folder of its own that scrapes nothing; its address."""
    port = free_port()
    (folder / "prometheus.yml").write_text("global: {}\n")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    )
    address = f"http://127.0.0.1:{port}"
    try:
        await ready(address)
        yield address
    finally:
        process.terminate()
        await process.wait()


async def ready(address: str) -> None:
    """Return when it answers."""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(address + "/-/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def milliseconds(metrics: Metrics, expressions: Mapping[str, str], when: Moments, runs: int) -> float:
    """Median time of a page."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        answers = await metrics.query(expressions, when)
        times.append((time.perf_counter() - began) * 1000)
        errors = {name: answer.error for name, answer in answers.items() if answer.error}
        assert not errors, errors
    return statistics.median(times)


async def intake(folder: Path, program: str | None) -> None:
    """Print samples a second."""
    several = batches(21)
    mine, bare = await taken(folder, several), inserted(folder, several)
    print(f"intake, in the process   {mine:10,.0f} samples/s  {mine / bare:.2f} x bare sqlite3 ({bare:,.0f})")
    bodies = [body(rows) for rows in several]
    async with opened(folder / "served", keep_days=3650) as parts, serving(parts) as client:
        served = await timed(client, API + "/write", bodies)
    beside = "no Prometheus to compare"
    if program:
        async with prometheus(program, folder) as address, aiohttp.ClientSession(address) as session:
            theirs = await timed(session, "/api/v1/write", bodies)
            beside = f"{served / theirs:.2f} x Prometheus ({theirs:,.0f})"
    print(f"intake, over HTTP        {served:10,.0f} samples/s  {beside}")


async def timed(session: aiohttp.ClientSession | TestClient[Any, Any], path: str, bodies: Sequence[bytes]) -> float:
    """Samples a second, all but the first body."""
    await pushed(session, path, bodies[:1])
    began = time.perf_counter()
    await pushed(session, path, bodies[1:])
    return BATCH * (len(bodies) - 1) / (time.perf_counter() - began)


async def pages(folder: Path, program: str | None, rounds: int, runs: int) -> None:
    """Print milliseconds a page."""
    async with opened(folder / "pages") as parts:
        several = await scraped(parts, rounds, pods=60)
        last = now(parts) - 15_000
        moments = {"instant": Moments(last, last), "10 min": Moments(last - 600_000, last, 15_000, ranged=True)}
        wanted = {(level, kind): (page(parts, level), moments[kind]) for level in LEVELS for kind in moments}
        mine = {key: await milliseconds(parts.metrics, *asked, runs) for key, asked in wanted.items()}
        theirs = {}
        if program:
            async with prometheus(program, folder / "pages") as address, holding(address, several) as client:
                theirs = {key: await milliseconds(client, *asked, runs) for key, asked in wanted.items()}
    print(f"{sum(map(len, several)):,} samples of {len(several[-1]):,} series")
    for (level, kind), took in mine.items():
        other, count = theirs.get((level, kind)), len(wanted[level, kind][0])
        beside = f"{took / other:.2f} x Prometheus over HTTP ({other:.1f} ms)" if other else "no Prometheus to compare"
        print(f"page of {count} metrics, {level:9} {kind:8} {took:7.1f} ms  {beside}")


async def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--prometheus", default=shutil.which("prometheus"), help="the program; none: no such peer")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--runs", type=int, default=20)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        await intake(Path(folder), given.prometheus)
        await pages(Path(folder), given.prometheus, given.rounds, given.runs)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
