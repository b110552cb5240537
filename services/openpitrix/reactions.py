"""Accounts' and the cluster's events -> the end of what belonged to a workspace or a project that is gone."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from libs.shared.contracts.cluster_v1 import ProjectGone
from libs.shared.service import On
from libs.shared.store.protocol import Unit
from services.openpitrix.commands import app, release, repo


async def drop_workspace(unit: Unit, event: WorkspaceDeleted) -> None:
    """Forget the repositories of a workspace that is gone, and what it uploaded but never released to the store."""
    await app.drop_apps_of(unit, event.workspace, by=event.by)
    await repo.drop_repos_of(unit, event.workspace, by=event.by)


async def drop_releases(unit: Unit, event: ProjectGone) -> None:
    """Forget the releases of a project that is gone: what they made went with its namespace."""
    await release.drop_releases_in(unit, event.project)


REACTIONS = (On(WorkspaceDeleted, drop_workspace), On(ProjectGone, drop_releases))
