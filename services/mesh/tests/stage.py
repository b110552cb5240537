"""The mesh on a sandbox in which nothing moves by itself: tests say what is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libs.sandbox.hooks import Hooks
from libs.sandbox.objects import Objects
from libs.sandbox.server import open_sandbox
from libs.shared.errors import Missing
from libs.shared.kube.client import Kube
from libs.shared.store.protocol import Document
from libs.shared.testing.host import Running, running
from libs.shared.values import SystemClock, time_ordered_id
from services.mesh.app import SERVICE
from services.mesh.commands import governing as commands
from services.mesh.domain.governing import Governing, Wish
from services.mesh.parts import Parts

NS = "shop"
LABELS = {"app.kubernetes.io/name": "bookshop", "app.kubernetes.io/version": "v1", "app": "reviews"}
ENABLED = {"servicemesh.kubesphere.io/enabled": "true"}
ISTIO = f"/apis/networking.istio.io/v1alpha3/namespaces/{NS}"
RULE, VIRTUAL = f"{ISTIO}/destinationrules/reviews", f"{ISTIO}/virtualservices/reviews"
SERVICES = f"/api/v1/namespaces/{NS}/services"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NS}/deployments"
PORTS = [{"name": "http-web", "port": 80}, {"name": "tcp-raw", "port": 9000}]


def still(objects: Objects) -> Hooks:
    """One namespace, and nothing that happens by itself."""

    def prepare() -> None:
        if objects.find("namespaces", NS) is None:
            objects.create("namespaces", {"metadata": {"name": NS}})

    return Hooks(prepare=prepare, authorize=lambda user, groups, what: True)


@dataclass(frozen=True)
class Stage:
    """The service and its cluster."""

    stands: Running
    kube: Kube

    @property
    def parts(self) -> Parts:
        found: Parts = self.stands.services["mesh"].parts
        return found

    async def service(self, *, ports: list[dict[str, Any]] | None = None, **annotations: str) -> None:
        """The component's Service."""
        about = {"name": "reviews", "namespace": NS, "labels": LABELS, "annotations": {**ENABLED, **annotations}}
        await self.kube.create(SERVICES, {"metadata": about, "spec": {"selector": LABELS, "ports": ports or PORTS}})

    async def version(self, version: str, *, ready: int = 1) -> None:
        """A Deployment of the component, with so many pods that are ready."""
        labels = {**LABELS, "version": version}
        name = f"reviews-{version}"
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
        await self.kube.create(DEPLOYMENTS, {"metadata": {"name": name, "labels": labels}, "spec": spec})
        await self.becomes(version, ready)

    async def becomes(self, version: str, ready: int) -> None:
        """So many pods of a version are ready now."""
        status = {"status": {"replicas": 1, "readyReplicas": ready, "availableReplicas": ready}}
        await self.kube.patch(f"{DEPLOYMENTS}/reviews-{version}/status", status)

    async def wants(self, kind: type[Governing], spec: dict[str, Any], name: str = "reviews") -> Governing:
        """Somebody wants this of the component."""
        wish = Wish(NS, name, labels=LABELS, spec=spec)

        async def work(unit: Any) -> Governing:
            return await commands.create(unit, kind, wish, uid=unit.id, by="mia", at=self.parts.clock())

        return await self.parts.store.transact(work)

    async def changes(self, kept: Governing, **spec: Any) -> Governing:
        """He wants it otherwise."""
        wish = Wish(NS, kept.name, labels=LABELS, spec={**kept.spec, **spec})

        async def work(unit: Any) -> Governing:
            return await commands.change(unit, await unit.of(type(kept)).get(kept.key), wish, by="mia")

        return await self.parts.store.transact(work)

    async def wants_no_more(self, kept: Governing) -> None:
        """He doesn't."""

        async def work(unit: Any) -> None:
            await commands.remove(unit, await unit.of(type(kept)).get(kept.key), by="mia")

        await self.parts.store.transact(work)

    async def until(self, path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The spec at this path, once it holds."""
        spec: dict[str, Any] = {}
        try:
            async with asyncio.timeout(10):
                while not (spec and holds(spec)):
                    await asyncio.sleep(0.02)
                    try:
                        spec = (await self.kube.get(path))["spec"]
                    except Missing:
                        spec = {}
        except TimeoutError:
            raise AssertionError(f"{path} is {spec}") from None
        return spec

    async def gone(self, path: str) -> None:
        """Return once there is nothing at this path."""
        async with asyncio.timeout(10):
            while True:
                try:
                    await self.kube.get(path)
                except Missing:
                    return
                await asyncio.sleep(0.02)

    async def forgotten(self, kind: type[Document]) -> None:
        """Return once the component has no document of this kind."""
        async with asyncio.timeout(10):
            while await self.parts.store.of(kind).look(f"{NS}/reviews"):  # noqa: ASYNC110  # nothing tells it
                await asyncio.sleep(0.02)


@asynccontextmanager
async def stage(folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """A new cluster, and the service on it."""
    opening = open_sandbox(folder / "cluster", clock=SystemClock(), ids=time_ordered_id, world=still)
    async with opening as sandbox, running(SERVICE, cluster=f"kubeconfig:{sandbox.kubeconfig}", **settings) as stands:
        yield Stage(stands, stands.services["mesh"].host.cluster)
