"""Start to first answer, and idle memory, of the whole suite in one process.

    python -m tests.bench.start [--runs 5]

The peer is a bare aiohttp server with the same imports that answers one path.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pathlib
import statistics
import sys
import tempfile
import time

import aiohttp

from tests.faults.process import Suite, free_port

PEER = """
import sys, uvloop, pydantic, orjson, structlog, opentelemetry.sdk.trace, jwt, prometheus_client, argon2, sqlite3
from cryptography.hazmat.primitives.asymmetric import ed25519
from aiohttp import web
async def answer(request): return web.json_response({})
app = web.Application(); app.router.add_get("/kapis/version", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


def rss_mib(pid: int) -> float:
    """Resident memory."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def peer() -> tuple[float, float]:
    """Seconds to the first answer and MiB of the bare server."""
    port, began = free_port(), time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PEER, str(port), env={**os.environ})
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/kapis/version"):
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
    took, memory = time.monotonic() - began, rss_mib(process.pid)
    process.terminate()
    await process.wait()
    return took, memory


async def ours(data: pathlib.Path) -> tuple[float, float, float]:
    """Seconds to the first answer, MiB two seconds later, seconds to stop."""
    suite = Suite(data, "outbox:")
    took = await suite.start()
    await asyncio.sleep(2)
    assert suite.process is not None
    memory, began = rss_mib(suite.process.pid), time.monotonic()
    assert await suite.stop() == 0, suite.tail()
    return took, memory, time.monotonic() - began


async def main() -> None:
    """Measure in turn and print medians."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=5)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        data = pathlib.Path(folder) / "data"
        data.mkdir()
        first = await ours(data)
        pairs = [(await ours(data), await peer()) for _ in range(runs)]
    start, memory, stop = (statistics.median(mine[i] for mine, _ in pairs) for i in range(3))
    bare, bare_memory = (statistics.median(theirs[i] for _, theirs in pairs) for i in range(2))
    print(f"first start            {first[0]:6.2f} s")
    print(f"start to first answer  {start:6.2f} s    {start / bare:.2f} x bare aiohttp, same imports ({bare:.2f} s)")
    print(f"idle memory            {memory:6.0f} MiB  {memory / bare_memory:.2f} x ({bare_memory:.0f} MiB)")
    print(f"SIGTERM to exit 0      {stop:6.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
