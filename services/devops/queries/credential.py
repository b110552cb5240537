"""Which credentials a project has."""

from __future__ import annotations

from libs.shared.store.protocol import Equal, Find, Store
from services.devops.domain.credential import Credential
from services.devops.domain.resource import CREDENTIALS, path_of


async def credentials(store: Store, project: str) -> list[Credential]:
    """Those of the project that are credentials; a Secret of another type is in no list."""
    found = await store.of(Credential).find(Find((Equal("project", project),)))
    return [one for one in found if one.kind]


async def credential(store: Store, project: str, name: str) -> Credential:
    """One of them. Raises `Missing`."""
    found = await store.of(Credential).look(path_of(project, name))
    if found is None:
        raise CREDENTIALS.missing(name)
    return found


async def look(store: Store, project: str, name: str) -> Credential | None:
    """The same, or None."""
    return await store.of(Credential).look(path_of(project, name))
