"""The collaborators that outer functions are handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from libs.shared.errors import Busy, Fault
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock
from services.cluster.clients.kube import Api
from services.cluster.clients.people import People
from services.cluster.domain.project import Base
from services.cluster.domain.resource import TOLD
from services.cluster.domain.shelf import Shelf
from services.cluster.settings import ClusterSettings


class Journal:
    """What is logged and counted of observing and of setting projects up."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._log = telemetry.log
        self._facts = Counter("orrery_cluster_facts", "Facts that were told, new, changed or gone.", registry=registry)
        self._failures = Counter(
            "orrery_cluster_project_failures", "Times that a project could not be set up.", registry=registry
        )
        self.held = Gauge("orrery_cluster_objects", "Objects held in memory.", ("resource",), registry=registry)

    def told(self, count: int) -> None:
        """Facts were told."""
        self._facts.inc(count)

    def unfollowed(self, plural: str, fault: Fault) -> None:
        """A kind could not be followed."""
        self._log.warning("not followed", resource=plural, slug=fault.slug, reason=fault.text)

    def failed(self, project: str, fault: Fault) -> None:
        """A project could not be set up."""
        self._failures.inc()
        self._log.warning("project not set up", project=project, slug=fault.slug, reason=fault.text)


@dataclass(frozen=True, slots=True)
class Founding:
    """What workers need besides: the roles of every project, and where they write down what became of it."""

    roles: Sequence[Base]
    journal: Journal


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    settings: ClusterSettings
    kube: Api
    shelf: Shelf
    people: People
    founding: Founding


async def ready(parts: Parts) -> None:
    """Return when everything that facts are made from was listed; raises `Busy` naming what wasn't."""
    waits = [resource.plural for resource in TOLD if not parts.shelf.tried(resource.plural)]
    if waits:
        raise Busy("cluster-listing", f"the cluster's {', '.join(waits)} are being listed", retry_after=1)
