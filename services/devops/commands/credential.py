"""Making, changing and removing credentials."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.commands import project as projects
from services.devops.domain import credential as domain
from services.devops.domain.credential import MOST, Credential, CredentialWish
from services.devops.domain.resource import CREDENTIALS, path_of


async def create_credential(
    unit: Unit, project: str, wish: CredentialWish, *, uid: str, by: str, at: datetime
) -> Credential:
    """Keep a new credential. Raises `Missing` for the project, `Invalid`, `Exists`, `Conflict` when there are many."""
    home = await projects.find(unit, project)
    made = domain.make(wish, project, uid=uid, at=at)
    if await unit.of(Credential).look(made.path) is not None:
        raise CREDENTIALS.exists(made.name)
    if await unit.of(Credential).count(Find((Equal("project", project),))) >= MOST:
        text = f"the project {project} has {MOST} credentials, which is the most"
        raise Conflict("too-many-credentials", text, resource=CREDENTIALS.plural, name=made.name)
    kept = await unit.of(Credential).add(made)
    unit.emit(
        domain.created(kept, home.workspace, by), subject=domain.subject(kept), workspace=home.workspace, about=kept
    )
    return kept


async def change_credential(unit: Unit, project: str, wish: CredentialWish, *, by: str) -> Credential:
    """Replace a credential; what the wish leaves empty stays. Raises `Missing`, `Invalid`."""
    home = await projects.find(unit, project)
    kept = await unit.of(Credential).put(domain.change(await _find(unit, project, wish.name), wish))
    unit.emit(
        domain.changed(kept, home.workspace, by), subject=domain.subject(kept), workspace=home.workspace, about=kept
    )
    return kept


async def delete_credential(unit: Unit, project: str, name: str, *, by: str) -> None:
    """Remove a credential. Raises `Missing`."""
    home = await projects.find(unit, project)
    gone = await _find(unit, project, name)
    await unit.of(Credential).drop(gone.path)
    unit.emit(
        domain.deleted(gone, home.workspace, by), subject=domain.subject(gone), workspace=home.workspace, about=gone
    )


async def _find(unit: Unit, project: str, name: str) -> Credential:
    found = await unit.of(Credential).look(path_of(project, name))
    if found is None:
        raise CREDENTIALS.missing(name)
    return found
