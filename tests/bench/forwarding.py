"""What the gateway adds to a request that it forwards to the cluster, against a bare proxy that does nothing else.

    python -m tests.bench.forwarding [--asks 500]

Both forward to the sandbox of the same suite, which runs in a process of its own; the three ways are asked in turn, so
that other work on the machine slows all of them. Prints the p50 and p99 of each, and what each proxy adds.
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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from libs.shared.kube.connection import Connection
from libs.shared.kube.places import Written
from tests.faults.process import PASSWORD, free_port

ASKED = "/api/v1/namespaces/kube-system/configmaps?limit=5"
SERVICES = ("gateway", "accounts", "cluster")
PATIENCE = 60.0
OK = 200
Ways = dict[str, tuple[str, str, Any]]
"""Address, authorization and trust of each way."""
PEER = """
import asyncio, pathlib, sys, uvloop, aiohttp
from aiohttp import web
from libs.shared.kube.places import Written
async def main(port, kubeconfig):
    to = await Written(pathlib.Path(kubeconfig)).current()
    connector = aiohttp.TCPConnector(ssl=to.trust.context())
    async with aiohttp.ClientSession(to.server, connector=connector, auto_decompress=False) as session:
        async def forward(request):
            headers = {"Authorization": to.authorization.reveal()}
            async with session.request(request.method, request.raw_path, headers=headers) as answer:
                response = web.StreamResponse(status=answer.status)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                return response
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(port)).start()
        await asyncio.Event().wait()
uvloop.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def child(*arguments: str, **variables: str) -> AsyncIterator[None]:
    """A Python program beside us."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ORRERY_")} | variables
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def token(session: aiohttp.ClientSession, base: str) -> str:
    """The administrator's, once the suite stands."""
    form = {"grant_type": "password", "username": "admin", "password": PASSWORD}
    form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.post(base + "/oauth/token", data=form) as answer:
                    if answer.status == OK:
                        return str((await answer.json())["access_token"])
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def ways(session: aiohttp.ClientSession, asked: Ways, asks: int) -> dict[str, list[float]]:
    """Milliseconds of each request, by way."""
    found: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(asks + asks // 10):
        for name, (base, authorization, context) in asked.items():
            began = time.perf_counter()
            headers = {"Authorization": authorization}
            async with session.get(base + ASKED, headers=headers, ssl=context) as answer:
                await answer.read()
                assert answer.status == OK, (name, answer.status)
            if number >= asks // 10:
                found[name].append((time.perf_counter() - began) * 1000)
    return found


async def main(asks: int) -> None:
    """Run all three and print."""
    port, peer = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="orrery-") as folder:
        variables = {"ORRERY_DATA": folder, "ORRERY_LISTEN": f"127.0.0.1:{port}", "ORRERY_TLS_LISTEN": "off"}
        async with (
            child("-m", "services", *SERVICES, **variables, ORRERY_ADMIN_PASSWORD=PASSWORD),
            aiohttp.ClientSession() as session,
        ):
            bearer = f"Bearer {await token(session, base)}"
            await settled(session, base, bearer)
            kubeconfig = pathlib.Path(folder) / "sandbox" / "kubeconfig"
            to: Connection = await Written(kubeconfig).current()
            async with child("-c", PEER, str(peer), str(kubeconfig)):
                await settled(session, f"http://127.0.0.1:{peer}", "")
                asked: Ways = {
                    "direct": (to.server, to.authorization.reveal(), to.trust.context()),
                    "bare proxy": (f"http://127.0.0.1:{peer}", "", True),
                    "gateway": (base, bearer, True),
                }
                told(await ways(session, asked, asks))


async def settled(session: aiohttp.ClientSession, base: str, authorization: str) -> None:
    """Wait until the sandbox answers through this proxy."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.get(base + ASKED, headers={"Authorization": authorization}) as answer:
                    if answer.status == OK:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


def told(found: dict[str, list[float]]) -> None:
    """Print the figures."""
    middles = {name: statistics.median(times) for name, times in found.items()}
    for name, times in found.items():
        print(f"{name:12} p50 {middles[name]:.2f} ms  p99 {statistics.quantiles(times, n=100)[98]:.2f} ms")
    gateway, bare = (middles[name] - middles["direct"] for name in ("gateway", "bare proxy"))
    print(f"added: gateway {gateway:.2f} ms, bare proxy {bare:.2f} ms, ratio {gateway / bare:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=500)
    asyncio.run(main(parser.parse_args().asks))
