"""The devops service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import orjson

from libs.shared.bell import Bell
from libs.shared.contracts import devops_v1
from libs.shared.egress.client import Egress
from libs.shared.errors import Invalid
from libs.shared.failpoints import Failpoints
from libs.shared.sealing import sealer_of
from libs.shared.service import Host, Service
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock
from services.devops.clients.artifacts import Artifacts
from services.devops.clients.git import Git
from services.devops.clients.logs import Logs
from services.devops.clients.process import Limits, Processes
from services.devops.domain import role as roles
from services.devops.domain.credential import Credential
from services.devops.domain.node import Node
from services.devops.domain.person import Person
from services.devops.domain.pipeline import Pipeline, Tally
from services.devops.domain.project import Project
from services.devops.domain.remnant import Remnant
from services.devops.domain.resource import DEVOPS, PIPELINES, PROJECTS, RUNS
from services.devops.domain.role import Binding, Role, Seeds
from services.devops.domain.run import Run
from services.devops.kinds import KINDS
from services.devops.parts import Journal, Parts, Works
from services.devops.reactions import REACTIONS
from services.devops.rest import ROUTES
from services.devops.settings import DevopsSettings
from services.devops.workers import WORKERS

DOCUMENTS = (Project, Role, Binding, Person, Credential, Pipeline, Tally, Run, Node, Remnant)
MIB = 1 << 20


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed. Raises `Invalid` for an address that isn't offered."""
    works = works_of(
        host.settings,
        host.data,
        blobs_of(host),
        clock=host.clock,
        egress=host.egress,
        telemetry=host.telemetry,
        failpoints=host.failpoints,
        closed=closed_by(host),
    )
    yield Parts(host.store, host.clock, host.ids, host.settings, load_seeds(), works)


def works_of(
    settings: DevopsSettings,
    data: Path,
    blobs: Path,
    *,
    clock: Clock,
    egress: Egress,
    telemetry: Telemetry,
    failpoints: Failpoints,
    closed: str,
) -> Works:
    """What runs are carried on with, in the service's own folder."""
    limits = Limits(settings.memory_mib * MIB, settings.file_mib * MIB, settings.processes)
    processes = Processes(limits, settings.processes_at_once, data.parent)
    return Works(
        sealer=sealer_of(data),
        bell=Bell(clock),
        broom=Bell(clock),
        processes=processes,
        git=Git(egress, processes),
        logs=Logs(data / "logs", settings.log_mib * MIB),
        artifacts=Artifacts(blobs / "devops", settings.artifacts_mib * MIB),
        rooms=data / "rooms",
        journal=Journal(telemetry),
        failpoints=failpoints,
        closed=closed,
    )


def blobs_of(host: Host) -> Path:
    """The folder of what runs keep. Raises `Invalid`."""
    scheme, _, rest = host.addresses.get("blobs", "file:").partition(":")
    if scheme != "file":
        raise Invalid("blobs-scheme", f"ORRERY_BLOBS begins with {scheme}: but DevOps keeps artifacts in file: alone")
    return Path(rest).expanduser() if rest else host.data / "blobs"


def closed_by(host: Host) -> str:
    """Why no step is run here; empty where they are. Raises `Invalid` for an executor that isn't offered."""
    scheme = host.addresses.get("executor", "process:").partition(":")[0]
    if scheme != "process":
        raise Invalid("executor-scheme", f"ORRERY_EXECUTOR begins with {scheme}: but process: is all that is offered")
    if host.loopback:
        return ""
    return "process: runs steps only while the gateway listens on this machine alone, and it listens to others"


def load_seeds() -> Seeds:
    """The data file beside this one, from KubeSphere's installer: roles that every project has, and templates."""
    return roles.seeds(orjson.loads((files("services.devops") / "seeds" / "roles.json").read_bytes()))


SERVICE = Service(
    name="devops",
    about="CI/CD: DevOps projects, credentials, pipelines and their runs.",
    settings=DevopsSettings,
    open=opened,
    documents=DOCUMENTS,
    publishes=devops_v1.EVENTS,
    routes=ROUTES,
    kinds=KINDS,
    reactions=REACTIONS,
    workers=WORKERS,
    groups={PROJECTS.plural: DEVOPS, PIPELINES.plural: DEVOPS, RUNS.plural: DEVOPS},
)
