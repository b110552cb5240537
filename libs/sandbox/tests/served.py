"""A sandbox that is served, without a world that moves: two namespaces, and one user who may only look."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from libs.sandbox.hooks import Attributes, Hooks, World
from libs.sandbox.objects import Objects
from libs.sandbox.server import Sandbox, open_sandbox
from libs.shared.kube.client import Kube
from libs.shared.kube.places import Written
from libs.shared.values import SystemClock, time_ordered_id

SPACES = ("default", "work")
CONFIGS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def still(objects: Objects) -> Hooks:
    """A world in which nothing happens by itself."""

    def prepare() -> None:
        for name in SPACES:
            if objects.find("namespaces", name) is None:
                body = {"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}}
                objects.create("namespaces", body)

    def authorize(user: str, groups: tuple[str, ...], what: Attributes) -> bool:
        del groups
        return user == "looker" and what.verb in ("get", "list", "watch") and what.resource != "secrets"

    return Hooks(prepare=prepare, authorize=authorize)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    raw: bytes
    headers: Any

    @property
    def body(self) -> Any:
        """As JSON."""
        return orjson.loads(self.raw)


@dataclass(frozen=True)
class Stage:
    """The open sandbox, by both of its doors."""

    sandbox: Sandbox
    kube: Kube
    session: aiohttp.ClientSession

    @property
    def objects(self) -> Objects:
        """What it keeps."""
        return self.sandbox.objects

    async def ask(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str
    ) -> Answer:
        """A plain request as the administrator; headers in words with `_`; `Authorization=""` sends none."""
        given = {"Authorization": f"Bearer {self.sandbox.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        raw = None
        if body is not None:
            raw = BytesIO(body if isinstance(body, bytes) else orjson.dumps(body))
            given["Content-Type"] = media
        url = self.sandbox.url + path
        async with self.session.request(method, url, data=raw, headers=given) as answer:
            return Answer(answer.status, await answer.read(), answer.headers)


@asynccontextmanager
async def served(folder: Path, world: World = still) -> AsyncIterator[Stage]:
    """Open a sandbox in this folder, and a client of it that reads its kubeconfig."""
    async with (
        open_sandbox(folder, clock=SystemClock(), ids=time_ordered_id, world=world) as sandbox,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=sandbox.ca))
        ) as session,
    ):
        kube = Kube.at(Written(sandbox.kubeconfig), SystemClock())
        try:
            yield Stage(sandbox, kube, session)
        finally:
            await kube.close()


def config(name: str = "a", labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "data": data}


def deployment(name: str = "web", replicas: int = 2, image: str = "nginx:1.27") -> dict[str, Any]:
    """A Deployment of one container."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }
