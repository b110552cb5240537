"""What the cluster service tells -> whose events a namespace's are, and what goes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from libs.shared.contracts.cluster_v1 import ProjectGone, ProjectObserved
from services.mesh.commands import governing as commands
from services.mesh.domain.governing import ServicePolicy, Strategy
from services.mesh.reactions import forget_project, note_project
from services.mesh.tests.stage import NS, Stage, stage


async def workspace(stands: Stage) -> str:
    async def work(unit: Any) -> str:
        return await commands.workspace(unit, NS)

    return await stands.parts.store.transact(work)


async def test_a_namespace_belongs_to_a_workspace_until_it_is_gone(tmp_path: Path) -> None:
    """It is known by `ProjectObserved`; `ProjectGone` takes its strategies and policies along, but not those of a
    later namespace of that name.
    """
    async with stage(tmp_path) as stands:
        store = stands.parts.store
        await store.transact(note_project, ProjectObserved(project=NS, uid="1", workspace="ws"))
        assert await workspace(stands) == "ws"
        await stands.wants(Strategy, {"type": "Canary"})
        await stands.wants(ServicePolicy, {})
        await store.transact(note_project, ProjectObserved(project=NS, uid="2", workspace="other"))
        await store.transact(forget_project, ProjectGone(project=NS, uid="1", workspace="ws"))
        assert await workspace(stands) == "other"
        assert await store.of(Strategy).look(f"{NS}/reviews") is not None
        await store.transact(forget_project, ProjectGone(project=NS, uid="2", workspace="other"))
        assert await store.of(Strategy).look(f"{NS}/reviews") is None
        assert await store.of(ServicePolicy).look(f"{NS}/reviews") is None
        await store.transact(note_project, ProjectObserved(project=NS, uid="3", workspace="ws"))
        await store.transact(note_project, ProjectObserved(project=NS, uid="3", workspace=""))
        assert await workspace(stands) == ""
