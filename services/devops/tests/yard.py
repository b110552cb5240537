"""Runs on their way, for tests: a project, its pipelines, and whoever carries their runs on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.devops.tests.stage import V3, Answer, Stage, staged
from services.devops.workers.leash import ended
from services.devops.workers.runs import carry_on

V2 = "/kapis/devops.kubesphere.io/v1alpha2"
PATIENCE = 30.0


def around(*steps: str, head: str = "", tail: str = "") -> str:
    """A Jenkinsfile with one stage of these steps."""
    inner = "\n".join(steps)
    return f"pipeline {{\nagent any\n{head}\nstages {{\nstage('A') {{\nsteps {{\n{inner}\n}}\n}}\n}}\n{tail}\n}}"


@dataclass
class Yard:
    """One project, and how it is asked."""

    stage: Stage
    project: str
    tick: float = 0
    """Seconds that pass while a run's end is waited for, each time that it is looked at."""

    @property
    def base(self) -> str:
        """Its routes of v1alpha3."""
        return f"{V3}/devops/{self.project}"

    async def credential(self, name: str, kind: str, **parts: str) -> Answer:
        """Keep a credential."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in parts.items()}
        body = {"metadata": {"name": name}, "type": f"credential.devops.kubesphere.io/{kind}", "data": data}
        return await self.stage("POST", f"{self.base}/credentials", body)

    async def pipeline(self, script: str, name: str = "build", who: str = "admin", **settings: Any) -> Answer:
        """Make a pipeline."""
        spec = {"type": "pipeline", "pipeline": {"name": name, "jenkinsfile": script, **settings}}
        return await self.stage("POST", f"{self.base}/pipelines", {"metadata": {"name": name}, "spec": spec}, who=who)

    async def start(self, name: str = "build", *, who: str = "admin", **parameters: Any) -> Answer:
        """Ask for a run."""
        path = f"{V3}/namespaces/{self.project}/pipelines/{name}/pipelineruns"
        given = [{"name": key, "value": value} for key, value in parameters.items()]
        return await self.stage("POST", path, {"parameters": given}, who=who)

    def of(self, number: int = 1, name: str = "build") -> str:
        """A run's routes of v1alpha2."""
        return f"{V2}/devops/{self.project}/pipelines/{name}/runs/{number}"

    async def get(self, number: int = 1, tail: str = "", name: str = "build") -> Any:
        """What a route of a run says."""
        answer = await self.stage("GET", self.of(number, name) + tail)
        assert answer.status == 200, answer
        return answer.json

    async def log(self, number: int = 1, name: str = "build", query: str = "?start=0") -> str:
        """What a run has written."""
        answer = await self.stage("GET", f"{self.of(number, name)}/log{query}")
        assert answer.status == 200, answer
        return answer.text

    async def finished(self, number: int = 1, name: str = "build") -> dict[str, Any]:
        """The run, once it has ended."""

        async def over() -> bool:
            await self.stage.clock.advance(self.tick)
            return bool((await self.get(number, name=name))["state"] == "FINISHED")

        await until(over)
        found: dict[str, Any] = await self.get(number, name=name)
        return found

    async def ran(self, script: str, **parameters: Any) -> tuple[str, str]:
        """A pipeline of its own, run to its end: how it ended, and its log."""
        name = f"p{len((await self.stage('GET', f'{self.base}/pipelines?limit=100')).json['items'])}"
        made = await self.pipeline(script, name)
        assert made.status == 200, made
        started = await self.start(name, **parameters)
        assert started.status == 200, started
        found = await self.finished(1, name)
        return found["result"], await self.log(1, name)

    async def waiting_input(self, number: int = 1) -> tuple[str, str]:
        """The stage and the step that wait for somebody's word, once one does."""

        async def asked() -> bool:
            return bool((await self.get(number))["state"] == "PAUSED")

        await until(asked)
        for node in await self.get(number, "/nodesdetail"):
            for step in node["steps"]:
                if step["input"]:
                    return node["id"], step["id"]
        raise AssertionError("nothing waits")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110  # another task's doing
            await asyncio.sleep(0.02)


@asynccontextmanager
async def carried(stage: Stage) -> AsyncIterator[None]:
    """Runs are carried on while the block does."""
    task = asyncio.create_task(carry_on(stage.parts))
    try:
        yield
        if task.done():
            task.result()
    finally:
        await ended(task)


@asynccontextmanager
async def yard_in(folder: Path, **settings: object) -> AsyncIterator[Yard]:
    """A project on this folder, and its runs carried on."""
    async with staged(folder, **settings) as stage, carried(stage):
        yield Yard(stage, await stage.project())
