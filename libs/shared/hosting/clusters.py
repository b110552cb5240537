"""The cluster of each service: one client an address, and the sandbox where this process is its host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from libs.shared.config import Address
from libs.shared.config.reader import Effective, Own
from libs.shared.config.suite import Suite
from libs.shared.errors import Broken, Busy, Fault
from libs.shared.hosting.adapters import SANDBOX, adapter, loaded
from libs.shared.hosting.folder import Folder
from libs.shared.kube.client import Kube
from libs.shared.kube.connection import BEARER, Connection, Source, Trust
from libs.shared.values import Clock, Ids, Secret

HOST = "cluster"
"""The service in whose process the sandbox runs."""
SCHEME = "sandbox"
KUBECONFIG = "sandbox/kubeconfig"


class Sandbox:
    """The sandbox cluster: opened when it is first wanted, by a task of its own, and closed when all else is. It is a
    `Source` too: who asks while it opens waits for it.
    """

    def __init__(self, folder: Folder, clock: Clock, ids: Ids, *, demo: bool) -> None:
        self._folder, self._clock, self._ids, self._demo = folder, clock, ids, demo
        self._stands: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wanted(self) -> None:
        """Begin to open it, once."""
        if self._task is None and not self._over.is_set():
            self._task = asyncio.create_task(self._run(), name="sandbox")

    async def current(self) -> Connection:
        """How it is reached, once it stands. Raises what keeps it from that, `Busy` when it is over."""
        self.wanted()
        if self._task is None:
            raise Busy("cluster-absent", "the sandbox cluster is closed")
        await asyncio.wait((self._stands, self._task), return_when=asyncio.FIRST_COMPLETED)
        if self._stands.done():
            return self._stands.result()
        error = None if self._task.cancelled() else self._task.exception()
        if isinstance(error, Fault):
            raise error
        raise Broken("sandbox-failed", f"the sandbox cluster can't be opened: {error!r}") from error

    async def renewed(self, stale: Connection) -> Connection:
        """It never changes while this process lives."""
        del stale
        return await self.current()

    async def close(self) -> None:
        """Let it close, and wait until it has."""
        self._over.set()
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        opened = await asyncio.to_thread(loaded, SANDBOX, "ORRERY_CLUSTER", SCHEME)
        async with opened(self._folder.path, clock=self._clock, ids=self._ids, demo=self._demo) as sandbox:
            trust = Trust(ca_data=sandbox.ca)
            self._stands.set_result(Connection(sandbox.url, Secret(f"{BEARER}{sandbox.token}"), trust))
            await self._over.wait()


@dataclass(slots=True)
class Clusters:
    """Clients by address, each made once a process; they connect when they are first used."""

    folder: Folder
    clock: Clock
    sandbox: Sandbox | None
    """What this process hosts itself."""
    _made: dict[str, Kube] = field(default_factory=dict)

    def get(self, name: str, address: Address) -> Kube:
        """The client of an address; `name` is the setting that gave it. Raises `Invalid` for an unknown scheme."""
        key = address.reveal()
        if key not in self._made:
            self._made[key] = Kube.at(self._source(name, address), self.clock)
        return self._made[key]

    def wanted(self) -> None:
        """The sandbox's host is here: let it begin."""
        if self.sandbox is not None:
            self.sandbox.wanted()

    async def close(self) -> None:
        """Close every client's connections."""
        for kube in self._made.values():
            await kube.close()

    def _source(self, name: str, address: Address) -> Source:
        if address.scheme == SCHEME and self.sandbox is not None:
            return self.sandbox
        given: dict[str, tuple[Any, ...]] = {
            SCHEME: (self.folder.path / KUBECONFIG,),
            "kubeconfig": (address.rest, self.clock),
        }
        source: Source = adapter("cluster", name, address)(*given.get(address.scheme, (self.clock,)))
        return source


def demo(suite: Suite, own: Own) -> bool:
    """Whether a service's first start makes what there is to look at: as is said, else where its cluster is the
    sandbox.
    """
    return own.addresses["cluster"].scheme == SCHEME if suite.demo is None else suite.demo


@asynccontextmanager
async def clusters_of(effective: Effective, folder: Folder, clock: Clock, ids: Ids) -> AsyncIterator[Clusters]:
    """The clusters of a process; its sandbox is closed last."""
    own = effective.services.get(HOST)
    hosts = own is not None and own.addresses["cluster"].scheme == SCHEME
    sandbox = Sandbox(folder, clock, ids, demo=demo(effective.suite, own)) if own is not None and hosts else None
    clusters = Clusters(folder, clock, sandbox)
    try:
        yield clusters
    finally:
        await clusters.close()
        if sandbox is not None:
            await sandbox.close()
