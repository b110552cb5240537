"""What is observed is noted once and told once, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest

from libs.shared.errors import Busy
from services.cluster.parts import ready
from services.cluster.queries.index import index
from services.cluster.tests.stage import World, data

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def namespace(workspace: str = "ws", creator: str = "bob") -> dict[str, Any]:
    """A project's namespace."""
    return {
        "metadata": {
            "labels": {"kubesphere.io/workspace": workspace},
            "annotations": {"kubesphere.io/creator": creator},
        },
        "status": {"phase": "Active"},
    }


def binding(user: str, role: str = "viewer") -> dict[str, Any]:
    """A RoleBinding of one user."""
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }


async def test_what_stands_is_told_and_changes_after_it(world: World) -> None:
    """Namespaces, bindings and cluster roles are told as they stand, as they change, and when they are gone."""
    world.cluster.seed("/api/v1/namespaces/p1", namespace())
    world.cluster.seed(
        f"{RBAC}/clusterroles/edit", {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}
    )
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await stage.until_told("ClusterRoleObserved clusterroles/edit")
        world.cluster.seed(f"{RBAC}/namespaces/p1/rolebindings/eve-viewer", binding("eve"))
        await stage.until_told("ProjectRoleBound projects/p1")
        await world.cluster.delete(f"{RBAC}/namespaces/p1/rolebindings/eve-viewer")
        await stage.until_told("ProjectRoleUnbound projects/p1")
        await world.cluster.delete("/api/v1/namespaces/p1")
        await stage.until_told("ProjectGone projects/p1")
        told = await stage.told()
        bound = next(one for one in told if one.name == "ProjectRoleBound")
        assert data(bound)["subjects"][0]["name"] == "eve"
        assert bound.workspace == "ws", "members of the workspace see it"
        versions = [one.version for one in told if one.name in ("ProjectRoleBound", "ProjectRoleUnbound")]
        assert versions[0] < versions[1], "the removal is newer"
        assert data(told[-1])["workspace"] == "ws"


async def test_a_restart_tells_only_what_happened_meanwhile(world: World) -> None:
    """Nothing is told twice; what vanished and what came while nobody looked is told."""
    for name in ("p1", "p2"):
        world.cluster.seed(f"/api/v1/namespaces/{name}", namespace())
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectObserved projects/p2")
        await stage.until_told("ProjectObserved projects/p1")
    await world.cluster.delete("/api/v1/namespaces/p1")
    world.cluster.seed("/api/v1/namespaces/p3", namespace())
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectObserved projects/p3")
        await stage.until_told("ProjectGone projects/p1")
        assert sorted(await stage.lines()) == [
            "ProjectGone projects/p1",
            "ProjectObserved projects/p1",
            "ProjectObserved projects/p2",
            "ProjectObserved projects/p3",
        ]


async def test_a_change_that_says_nothing_new_is_not_told(world: World) -> None:
    """Another annotation of a namespace is no news."""
    world.cluster.seed("/api/v1/namespaces/p1", namespace())
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await world.cluster.patch("/api/v1/namespaces/p1", {"metadata": {"annotations": {"note": "x"}}})
        await world.cluster.patch(
            "/api/v1/namespaces/p1", {"metadata": {"labels": {"kubesphere.io/workspace": "other"}}}
        )

        async def moved() -> bool:
            return any(data(one).get("workspace") == "other" for one in await stage.told())

        await stage.until(moved)
        assert len(await stage.lines()) == 2


async def test_a_burst_of_a_thousand_is_noted_in_few_units(world: World) -> None:
    """A thousand bindings are told, each once, in order of a few transactions."""
    world.cluster.seed("/api/v1/namespaces/p1", namespace())
    for number in range(1000):
        world.cluster.seed(f"{RBAC}/namespaces/p1/rolebindings/u{number}-viewer", binding(f"u{number}"))
    async with world.opened("follow", "observe") as stage:

        async def all_told() -> bool:
            return len(await stage.lines()) == 1001

        await stage.until(all_told)
        assert len({one.id for one in await stage.told()}) == 1001
        assert await stage.parts.store.revision() < 50, "units are batches"


async def test_the_snapshot_is_what_was_told(world: World) -> None:
    """The internal index lists each thing that stands once, with the version of its last event."""
    world.cluster.seed("/api/v1/namespaces/p1", namespace())
    world.cluster.seed(f"{RBAC}/namespaces/p1/rolebindings/eve-viewer", binding("eve"))
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectRoleBound projects/p1")
        await stage.until_told("ProjectObserved projects/p1")
        told = {(one.name, one.version) for one in await stage.told()}
        found = [(type(event).__name__, version) async for _, version, event in index(stage.parts.store)]
        assert set(found) == told
        assert len(found) == 2


async def test_no_cluster_is_no_news(world: World) -> None:
    """While the cluster cannot be listed nothing is told to be gone, and readiness says why."""
    world.cluster.seed("/api/v1/namespaces/p1", namespace())
    async with world.opened("follow", "observe") as stage:
        await stage.until_told("ProjectObserved projects/p1")
    async with world.opened("observe") as stage:  # nobody follows
        with pytest.raises(Busy, match="namespaces"):
            await ready(stage.parts)
        assert await stage.lines() == ["ProjectObserved projects/p1"]
