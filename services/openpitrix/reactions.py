"""Accounts' events -> the end of what belonged to a workspace that is gone."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from libs.shared.service import On
from libs.shared.store.protocol import Unit
from services.openpitrix.commands import repo


async def drop_repos(unit: Unit, event: WorkspaceDeleted) -> None:
    """Forget the repositories of a workspace that is gone; their apps are swept."""
    await repo.drop_repos_of(unit, event.workspace, by=event.by)


REACTIONS = (On(WorkspaceDeleted, drop_repos),)
