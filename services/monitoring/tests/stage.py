"""What tests stand the service on: a real store of series in a folder, the virtual clock, and a small cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from libs.shared.errors import Busy, Fault, Missing
from libs.shared.http.client import Upstreams
from libs.shared.http.faults import answer, dialect_of
from libs.shared.http.reading import ROUTE
from libs.shared.http.route import Route
from libs.shared.kube.client import Kube
from libs.shared.kube.watch import Change, What
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from services.monitoring.app import seeds
from services.monitoring.clients.embedded import Embedded
from services.monitoring.domain.labels import labels_of
from services.monitoring.domain.state import KINDS
from services.monitoring.parts import Journal, Parts, Targets
from services.monitoring.rest import ROUTES
from services.monitoring.settings import MonitoringSettings
from services.monitoring.workers.observing import Observed, observe
from services.monitoring.workers.scraping import Round, scraped

Client = TestClient[web.Request, web.Application]
MADE = "2025-12-31T23:00:00Z"


@dataclass
class Cluster:
    """What the service needs of a client of an API server."""

    clock: VirtualClock
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """Nodes that don't answer."""

    async def get(self, path: str, **_: Any) -> dict[str, Any]:
        folder, wanted = path.rsplit("/", 1)
        for item in self.objects.get(folder, []):
            if item["metadata"]["name"] == wanted:
                return item
        raise Missing("missing", f"{wanted} not found")

    async def watch(self, path: str, **_: Any) -> AsyncIterator[Change]:
        if path not in self.objects:
            raise Missing("kind-missing", f"{path} is not served")
        for one in self.objects[path]:
            yield Change(What.ADDED, one)
        yield Change(What.SYNCED)
        await asyncio.Event().wait()

    async def text(self, path: str, **_: Any) -> str:
        node, what = path.split("/")[4], path.rsplit("/", 1)[-1]
        if node in self.down:
            raise Busy("node-down", f"{node} does not answer")
        return exposed(node, what, self.clock.monotonic() + 1000, self.objects.get("/api/v1/pods", []))


def exposed(node: str, what: str, seconds: float, pods: list[dict[str, Any]]) -> str:
    """What a node tells of itself and its pods: a quarter of each of its two processors, a tenth a container."""
    lines = ["# HELP x y", "# TYPE x counter"]
    if what == "node":
        for cpu in ("0", "1"):
            lines += [f'node_cpu_seconds_total{{cpu="{cpu}",mode="user"}} {seconds / 4}']
            lines += [f'node_cpu_seconds_total{{cpu="{cpu}",mode="idle"}} {seconds * 3 / 4}']
        memory = {"MemTotal": 8, "MemFree": 2, "Cached": 1, "Buffers": 0.5, "SReclaimable": 0.5}
        lines += [f"node_memory_{name}_bytes {size * 2**30}" for name, size in memory.items()]
        disk = 'device="/dev/sda1",fstype="ext4",mountpoint="/"'
        lines += [f"node_filesystem_size_bytes{{{disk}}} 100", f"node_filesystem_avail_bytes{{{disk}}} 25"]
        lines += ["node_load1 1.5"]
    for pod in pods if what == "cadvisor" else ():
        if pod["spec"]["nodeName"] == node:
            meta = pod["metadata"]
            own = f'namespace="{meta["namespace"]}",pod="{meta["name"]}",container="c",image="nginx"'
            lines += [f"container_cpu_usage_seconds_total{{{own}}} {seconds / 10}"]
            lines += [f"container_memory_working_set_bytes{{{own}}} 1000"]
            lines += [f"container_memory_usage_bytes{{{own}}} 1500"]
    return "\n".join(lines) + "\n"


def named(name: str, namespace: str = "", labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "labels": labels or {}, "creationTimestamp": MADE, "uid": f"u-{name}"}
    return {"metadata": meta, **more}


def pod(name: str, namespace: str, node: str, kind: str = "", owner: str = "") -> dict[str, Any]:
    ready = [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]
    made = named(name, namespace, spec={"nodeName": node, "containers": [{"name": "c"}]})
    made["status"] = {"phase": "Running", "hostIP": f"10.0.0.{node[-1]}", "conditions": ready}
    if kind:
        made["metadata"]["ownerReferences"] = [{"kind": kind, "name": owner, "controller": True}]
    return made


def standing(clock: VirtualClock) -> Cluster:
    """Two nodes, two workspaces with a project each, a deployment and a daemon set."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "capacity": {"pods": "110"}}
    nodes = [named(name, status=ready) for name in ("node-1", "node-2")]
    projects = {"kube-system": "system-workspace", "shop": "red", "lab": "blue"}
    pods = [pod(f"exporter-{n}", "kube-system", f"node-{n}", "DaemonSet", "node-exporter") for n in "12"]
    pods += [pod(f"web-7d9f-{n}", "shop", f"node-{n}", "ReplicaSet", "web-7d9f") for n in "12"]
    pods += [pod("probe", "lab", "node-1")]
    spaces = [named(name, labels={"kubesphere.io/workspace": workspace}) for name, workspace in projects.items()]
    counts = {"replicas": 2, "availableReplicas": 2}
    web_ = named("web", "shop", spec={"replicas": 2}, status=counts)
    objects = {"/api/v1/nodes": nodes, "/api/v1/pods": pods, "/api/v1/namespaces": spaces}
    return Cluster(clock, {**objects, "/apis/apps/v1/deployments": [web_]})


@asynccontextmanager
async def opened(folder: Path, *, upstreams: Upstreams | None = None, **settings: object) -> AsyncIterator[Parts]:
    """The service's parts on this folder; opened again, it finds what was kept."""
    clock = VirtualClock()
    chosen = MonitoringSettings.model_validate(settings)
    store = Embedded(folder / "series", chosen, clock)
    upstreams = upstreams or Upstreams({})
    try:
        targets = Targets(cast("Kube", standing(clock)), upstreams)
        yield Parts(clock, chosen, store, store, targets, seeds(), Journal(silent("monitoring")))
    finally:
        await store.close()
        await upstreams.close()


async def measured(parts: Parts, rounds: int = 4, seconds: float = 5, one: Round | None = None) -> Observed:
    """Scrape and record some rounds; `one` goes on where it was."""
    observed, one = Observed(), one or Round()
    watching = [asyncio.create_task(observe(kind, observed, parts)) for kind in KINDS]
    for _ in range(20):
        await asyncio.sleep(0)
    try:
        for _ in range(rounds):
            await scraped(one, observed, parts)
            assert parts.keep is not None
            await parts.keep.record(parts.seeds.rules, now(parts))
            await virtual(parts).advance(seconds)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return observed


def virtual(parts: Parts) -> VirtualClock:
    """The clock of `opened`."""
    assert isinstance(parts.clock, VirtualClock)
    return parts.clock


def cluster(parts: Parts) -> Cluster:
    """The cluster of `opened`."""
    return cast("Cluster", parts.targets.cluster)


def now(parts: Parts) -> int:
    return round(parts.clock().timestamp() * 1000)


async def wrote(parts: Parts, at: int, **series: float) -> None:
    """Samples of series without labels."""
    assert parts.keep is not None
    await parts.keep.write([(labels_of({"__name__": name}), at, value) for name, value in series.items()])


@asynccontextmanager
async def serving(parts: Parts) -> AsyncIterator[Client]:
    """The routes alone, faults worded as the kit does."""

    def handling(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            request[ROUTE] = route
            try:
                return await route.handler(request, parts)
            except Fault as fault:
                return answer(fault, dialect_of(request.path), {})

        return handle

    app = web.Application(client_max_size=1 << 26)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, handling(route))
    async with TestClient(TestServer(app)) as client:
        yield client
