"""The collaborators that outer functions are handed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from libs.shared.bus.protocol import Bus
from libs.shared.kube.watch import Change
from libs.shared.store.protocol import Store
from libs.shared.values import Clock, Ids
from services.logging.clients.index.index import Index
from services.logging.clients.store import Store as Documents
from services.logging.parts.journal import Journal
from services.logging.parts.spaces import Spaces
from services.logging.settings import LoggingSettings


class Cluster(Protocol):
    """What is asked of the cluster: `libs.shared.kube.client.Kube`, or less."""

    def watch(self, path: str, /, **query: Any) -> AsyncGenerator[Change, None]:
        """What stands, then what changes."""
        ...

    def lines(self, path: str, /, **query: Any) -> AsyncGenerator[bytes, None]:
        """Lines as they come."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where documents come from by themselves."""

    cluster: Cluster
    records: Bus
    ids: Ids


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where documents are kept: `logs` may be elsewhere, everything else is in our own index."""

    index: Index
    logs: Documents


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    settings: LoggingSettings
    keeping: Keeping
    sources: Sources
    spaces: Spaces
    journal: Journal
