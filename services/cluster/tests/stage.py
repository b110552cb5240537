"""What tests stand the service on: a real store, a cluster in memory, workers that start and stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.values import SystemClock, time_ordered_id
from services.cluster import workers
from services.cluster.app import SERVICE, project_roles
from services.cluster.clients.people import People
from services.cluster.domain.shelf import Shelf
from services.cluster.parts import Founding, Journal, Parts
from services.cluster.settings import ClusterSettings
from services.cluster.tests.standin import Accounts, StandIn


@dataclass
class Stage:
    """The parts, and what stands in for the systems around them."""

    parts: Parts
    cluster: StandIn
    accounts: Accounts

    async def told(self) -> list[Envelope]:
        """What was emitted, in order."""
        return [row.envelope for row in await self.parts.store.outbox.waiting(100_000)]

    async def lines(self) -> list[str]:
        """The same as `ProjectObserved projects/p1`."""
        return [f"{one.name} {one.subject}" for one in await self.told()]

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
            return line in await self.lines()

        await self.until(holds)


@dataclass
class World:
    """What outlives a restart of the service."""

    folder: Path
    cluster: StandIn = field(default_factory=StandIn)
    accounts: Accounts = field(default_factory=Accounts)

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
        parts = Parts(
            store=store,
            clock=clock,
            settings=chosen,
            kube=self.cluster,
            shelf=Shelf(chosen.most_objects),
            people=People(self.accounts),
            founding=Founding(project_roles(), Journal(silent("cluster"))),
        )
        wanted = names or ("follow", "observe", "projects")
        tasks = [asyncio.ensure_future(one.run(parts)) for one in workers.WORKERS if one.name in wanted]
        try:
            yield Stage(parts, self.cluster, self.accounts)
        finally:
            failed = [task.exception() for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await store.close()
            assert failed == []


def data(envelope: Envelope) -> Mapping[str, Any]:
    """An event's own fields."""
    found: Mapping[str, Any] = orjson.loads(envelope.data)
    return found
