"""The cluster service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import orjson

from libs.shared.contracts.cluster_v1 import EVENTS
from libs.shared.service import Host, Service
from services.cluster.clients.people import People
from services.cluster.domain.fact import Fact
from services.cluster.domain.project import BuiltIn, Ending, Founded, bases
from services.cluster.domain.resource import KNOWN
from services.cluster.domain.shelf import Shelf
from services.cluster.domain.wish import Wish
from services.cluster.parts import Facts, Journal, Parts, Work, ready
from services.cluster.reactions import REACTIONS
from services.cluster.rest import ROUTES
from services.cluster.settings import ClusterSettings
from services.cluster.workers import WORKERS


def project_roles() -> tuple[BuiltIn, ...]:
    """The roles that stand in every project, from the data file beside this one (KubeSphere's installer)."""
    return bases(orjson.loads((files("services.cluster") / "seeds" / "project.json").read_bytes()))


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: ClusterSettings = host.settings
    shelf, journal = Shelf(settings.held_mib << 20), Journal(host.telemetry)
    yield Parts(
        store=host.store,
        clock=host.clock,
        settings=settings,
        kube=host.cluster,
        shelf=shelf,
        people=People(host.calls),
        work=Work(project_roles(), Facts(host.store, shelf, journal), journal),
    )


SERVICE = Service(
    name="cluster",
    about="What is observed in Kubernetes clusters, and projects with their roles and members.",
    settings=ClusterSettings,
    open=opened,
    documents=(Fact, Founded, Ending, Wish),
    publishes=EVENTS,
    routes=ROUTES,
    ready=ready,
    reactions=REACTIONS,
    workers=WORKERS,
    groups={known.plural: known.group for known in KNOWN},
)
