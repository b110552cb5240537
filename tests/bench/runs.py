"""A run asked for -> its first step: what the platform takes beside a bare shell.

Through the gateway: authenticated, decided, kept, told, begun by the worker, noted, launched, bounded. The time is that
which the step's own first command says. The peer is `subprocess` with the same script in the same shell.

Run: python -m tests.bench.runs [--runs 20]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.suite import running

ADMIN = "Adm1n-first-Pass"
V3 = "/kapis/devops.kubesphere.io/v1alpha3"
V2 = "/kapis/devops.kubesphere.io/v1alpha2"
SHELL = "date +first-%s%N"
SCRIPT = f"pipeline {{ agent any\nstages {{ stage('A') {{ steps {{ sh '{SHELL}' }} }} }} }}"


def bare(runs: int) -> list[float]:
    """Milliseconds from the call to the first command, each."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "step.sh"
        script.write_text(SHELL)
        for _ in range(runs):
            began = time.time_ns()
            out = subprocess.run(("/bin/sh", "-xe", str(script)), capture_output=True, text=True, check=True).stdout
            found.append((first(out) - began) / 1e6)
    return found


def first(text: str) -> int:
    """When the step says that it began, in nanoseconds."""
    return int(next(line for line in text.splitlines() if line.startswith("first-")).removeprefix("first-"))


async def through(runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the request to the first command, and to the end of the run, each."""
    async with (
        running("accounts", "gateway", "devops", admin_password=ADMIN) as suite,
        aiohttp.ClientSession(suite.gateway) as session,
    ):
        form = {"grant_type": "password", "username": "admin", "password": ADMIN}
        form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
        async with session.post("/oauth/token", data=form) as answer:
            session.headers["Authorization"] = f"Bearer {(await answer.json())['access_token']}"

        async def made(path: str, body: Any) -> Any:
            async with session.post(path, json=body) as answer:
                answer.raise_for_status()
                return await answer.json()

        project = (await made(f"{V3}/workspaces/ws/devops", {"metadata": {"generateName": "b"}}))["metadata"]["name"]
        spec = {"type": "pipeline", "pipeline": {"jenkinsfile": SCRIPT}}
        await made(f"{V3}/devops/{project}/pipelines", {"metadata": {"name": "build"}, "spec": spec})
        begins, ends = [], []
        for number in range(1, runs + 1):
            began = time.time_ns()
            await made(f"{V3}/namespaces/{project}/pipelines/build/pipelineruns", {})
            run = f"{V2}/devops/{project}/pipelines/build/runs/{number}"
            while True:
                async with session.get(run) as answer:
                    if (await answer.json())["state"] == "FINISHED":
                        break
                await asyncio.sleep(0.005)
            ends.append((time.time_ns() - began) / 1e6)
            async with session.get(f"{run}/log?start=0") as answer:
                begins.append((first(await answer.text()) - began) / 1e6)
        return begins, ends


def shown(what: str, found: list[float]) -> None:
    """A line."""
    print(f"{what:<42} median {statistics.median(found):7.1f} ms   worst {max(found):7.1f} ms")


def main() -> None:
    """Print the table, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    peer = bare(runs)
    begins, ends = asyncio.run(through(runs))
    shown("bare subprocess: call -> first command", peer)
    shown("run: request -> first command of its step", begins)
    shown("run: request -> end, as a client sees it", ends)
    print(
        f"{'ratio of the medians to the first command':<42} {statistics.median(begins) / statistics.median(peer):.1f}"
    )


if __name__ == "__main__":
    main()
