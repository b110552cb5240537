"""The devops service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import orjson

from libs.shared.contracts import devops_v1
from libs.shared.service import Host, Service
from services.devops.domain import role as roles
from services.devops.domain.person import Person
from services.devops.domain.project import Project
from services.devops.domain.resource import DEVOPS, PROJECTS
from services.devops.domain.role import Binding, Role, Seeds
from services.devops.kinds import KINDS
from services.devops.parts import Parts
from services.devops.reactions import REACTIONS
from services.devops.rest import ROUTES
from services.devops.settings import DevopsSettings

DOCUMENTS = (Project, Role, Binding, Person)


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts."""
    yield Parts(host.store, host.clock, host.ids, host.settings, load_seeds())


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
    groups={PROJECTS.plural: DEVOPS},
)
