"""What tests stand the service on: a sandbox cluster, a real store, workers that start and stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from libs.sandbox.controllers.collector import Collector
from libs.sandbox.controllers.loop import Loop
from libs.sandbox.controllers.namespaces import Namespaces
from libs.sandbox.hooks import Hooks
from libs.sandbox.objects import Objects
from libs.sandbox.server import open_sandbox
from libs.shared.errors import Missing
from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.kube.client import Kube
from libs.shared.kube.places import Written
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.values import SystemClock, time_ordered_id
from services.cluster import workers
from services.cluster.app import SERVICE, project_roles
from services.cluster.clients.people import People
from services.cluster.domain.shelf import Shelf
from services.cluster.parts import Facts, Journal, Parts, Work
from services.cluster.settings import ClusterSettings
from services.cluster.tests.weather import Accounts, Weather

RBAC = "/apis/rbac.authorization.k8s.io/v1"
NAMESPACES = "/api/v1/namespaces"
P1 = NAMESPACES + "/p1"
ROLES = f"{RBAC}/namespaces/p1/roles"
BINDINGS = f"{RBAC}/namespaces/p1/rolebindings"


@dataclass
class Stage:
    """The parts, and what they work with."""

    parts: Parts
    world: World

    @property
    def kube(self) -> Kube:
        """The cluster, asked as by somebody else."""
        return self.world.kube

    async def told(self, of: str = "p1") -> list[Envelope]:
        """What was emitted of a project, in order; of everything where it is empty."""
        rows = await self.parts.store.outbox.waiting(100_000)
        return [row.envelope for row in rows if not of or row.envelope.subject == f"projects/{of}"]

    async def lines(self, of: str = "p1") -> list[str]:
        """The same as `ProjectObserved projects/p1`."""
        return [f"{one.name} {one.subject}" for one in await self.told(of)]

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait for what workers bring about."""
        async with asyncio.timeout(20):
            while True:
                found = holds()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.005)

    async def until_told(self, line: str) -> None:
        """Wait for an event."""

        async def holds() -> bool:
            return line in await self.lines("")

        await self.until(holds)

    async def look(self, path: str) -> dict[str, Any] | None:
        """An object of the cluster, or None."""
        try:
            return await self.kube.get(path)
        except Missing:
            return None

    async def until_stands(self, *paths: str) -> None:
        """Wait for objects of the cluster."""

        async def stand() -> bool:
            return all([await self.look(path) is not None for path in paths])

        await self.until(stand)

    async def until_gone(self, path: str) -> None:
        """Wait until there is no such object."""

        async def gone() -> bool:
            return await self.look(path) is None

        await self.until(gone)


@dataclass
class World:
    """What outlives a restart of the service."""

    folder: Path
    kube: Kube
    weather: Weather
    accounts: Accounts = field(default_factory=Accounts)
    _cluster: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def up(self) -> None:
        """Start the cluster, which has what it had before."""
        opening = open_sandbox(self.folder, clock=SystemClock(), ids=time_ordered_id, world=quiet)
        await self._cluster.enter_async_context(opening)

    async def down(self) -> None:
        """Stop it."""
        await self._cluster.aclose()

    @asynccontextmanager
    async def opened(self, *names: str, **settings: object) -> AsyncIterator[Stage]:
        """The service, with these of its workers running (all, where none is named)."""
        clock = SystemClock()
        store = await open_store(
            self.folder / "cluster.db",
            SERVICE.documents,
            clock=clock,
            ids=time_ordered_id,
            source="orrery/cluster",
            failpoints=Failpoints(),
        )
        chosen = ClusterSettings.model_validate({"retry_seconds": 0.05, **settings})
        shelf, journal = Shelf(chosen.held_mib << 20), Journal(silent("cluster"))
        parts = Parts(
            store=store,
            clock=clock,
            settings=chosen,
            kube=self.weather,
            shelf=shelf,
            people=People(self.accounts),
            work=Work(project_roles(), Facts(store, shelf, journal), journal),
        )
        wanted = [one for one in workers.WORKERS if one.name in names or not names]
        tasks = [asyncio.ensure_future(one.run(parts)) for one in wanted]
        try:
            yield Stage(parts, self)
        finally:
            failed = [task.exception() for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await store.close()
            assert failed == []


def quiet(objects: Objects) -> Hooks:
    """A cluster without nodes and without anything in it, where namespaces end when they are deleted."""
    loop = Loop(objects, (Namespaces(objects), Collector(objects)), silent("sandbox").log)
    return Hooks(controllers=(loop.run,))


@asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    """A new sandbox cluster."""
    kube = Kube.at(Written(folder / "sandbox" / "kubeconfig"), SystemClock())
    world = World(folder, kube, Weather(kube))
    await world.up()
    try:
        yield world
    finally:
        await kube.close()
        await world.down()


def namespace(name: str = "p1", workspace: str = "ws", creator: str = "bob") -> dict[str, Any]:
    """A project's namespace."""
    return {
        "metadata": {
            "name": name,
            "labels": {"kubesphere.io/workspace": workspace},
            "annotations": {"kubesphere.io/creator": creator},
        }
    }


def binding(user: str, role: str = "viewer", name: str = "") -> dict[str, Any]:
    """A RoleBinding of one user."""
    return {
        "metadata": {"name": name or f"{user}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }


def user(name: str, *groups: str) -> dict[str, Any]:
    """A user as accounts shows him."""
    return {"metadata": {"name": name}, "spec": {"email": f"{name}@example.com", "groups": list(groups)}}


def data(envelope: Envelope) -> Mapping[str, Any]:
    """An event's own fields."""
    found: Mapping[str, Any] = orjson.loads(envelope.data)
    return found
