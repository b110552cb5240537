"""Every project is set up, stays so, and ends with its workspace."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from libs.shared.errors import Busy
from services.cluster.domain.project import Founded
from services.cluster.reactions import end_projects
from services.cluster.tests.stage import Stage, World
from services.cluster.tests.test_observing import RBAC, namespace

P1 = "/api/v1/namespaces/p1"
ROLES = f"{RBAC}/namespaces/p1/roles"
BINDINGS = f"{RBAC}/namespaces/p1/rolebindings"


async def set_up(stage: Stage) -> None:
    """Wait until a project has everything."""
    wanted = {f"{ROLES}/admin", f"{ROLES}/role-template-view-basic", f"{BINDINGS}/bob-admin"}
    await stage.until(lambda: wanted <= stage.cluster.objects.keys())


async def test_a_project_gets_its_roles_and_its_creator_as_admin(world: World) -> None:
    """Built-in roles, templates, the creator's binding, and what releases may do; of a project alone."""
    world.cluster.seed(P1, namespace())
    world.cluster.seed("/api/v1/namespaces/kube-system", {"metadata": {}})
    async with world.opened() as stage:
        await set_up(stage)
        objects = stage.cluster.objects
        assert objects[P1]["metadata"]["labels"]["kubesphere.io/namespace"] == "p1"
        assert objects[f"{ROLES}/viewer"]["rules"] == [
            {"verbs": ["get", "list", "watch"], "apiGroups": ["*"], "resources": ["*"]}
        ]
        assert objects[f"{BINDINGS}/bob-admin"]["subjects"][0]["name"] == "bob"
        assert objects[f"{BINDINGS}/bob-admin"]["roleRef"]["name"] == "admin"
        releases = objects[f"{BINDINGS}/orrery-releases"]
        assert releases["subjects"] == [
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "orrery:releases:p1"}
        ]
        assert releases["roleRef"]["name"] == "edit"
        assert not [path for path in objects if "kube-system/" in path]


async def test_it_is_restored_and_a_second_creator_gets_nothing(world: World) -> None:
    """A built-in role that was changed or deleted comes back; who is written down as creator later is not made admin,
    and a removed creator stays removed.
    """
    world.cluster.seed(P1, namespace())
    async with world.opened() as stage:
        await set_up(stage)

        async def noted() -> bool:
            return bool(await stage.parts.store.of(Founded).find())

        await stage.until(noted)
        await world.cluster.delete(f"{ROLES}/viewer")
        await stage.until(lambda: f"{ROLES}/viewer" in world.cluster.objects)
        await world.cluster.patch(f"{ROLES}/viewer", {"rules": []})
        await stage.until(lambda: world.cluster.objects[f"{ROLES}/viewer"]["rules"])
        await world.cluster.delete(f"{BINDINGS}/bob-admin")
        await world.cluster.patch(P1, {"metadata": {"annotations": {"kubesphere.io/creator": "mallory"}}})
        await world.cluster.delete(f"{ROLES}/operator")
        await stage.until(lambda: f"{ROLES}/operator" in world.cluster.objects)
        assert not [path for path in world.cluster.objects if path.endswith(("/bob-admin", "/mallory-admin"))]


async def test_what_fails_is_tried_again(world: World) -> None:
    """A cluster that refuses for a while leaves no project half set up."""
    world.cluster.seed(P1, namespace())
    world.cluster.failing = [Busy("cluster-failing", "not now") for _ in range(3)]
    async with world.opened() as stage:
        await set_up(stage)
        assert not world.cluster.failing


async def test_it_ends_with_its_workspace(world: World) -> None:
    """Projects of a deleted workspace are deleted, however often that is told; those of others, and those that were
    made later in one of the same name, stay.
    """
    world.cluster.seed(P1, namespace())
    world.cluster.seed("/api/v1/namespaces/p2", namespace("other"))
    late = namespace()
    late["metadata"]["creationTimestamp"] = "2999-01-01T00:00:00Z"
    world.cluster.seed("/api/v1/namespaces/p3", late)
    async with world.opened() as stage:
        await set_up(stage)
        for _ in range(2):
            await stage.parts.store.transact(end_projects, WorkspaceDeleted(workspace="ws", uid="u"))
        await stage.until(lambda: P1 not in world.cluster.objects)
        assert {"/api/v1/namespaces/p2", "/api/v1/namespaces/p3"} <= world.cluster.objects.keys()


async def test_it_may_outlive_its_workspace(world: World) -> None:
    """Deleted with `Orphan`, a workspace leaves its projects behind, which then belong to none."""
    world.cluster.seed(P1, namespace())
    async with world.opened() as stage:
        await set_up(stage)
        await stage.parts.store.transact(end_projects, WorkspaceDeleted(workspace="ws", uid="u", orphan=True))
        await stage.until(lambda: "kubesphere.io/workspace" not in world.cluster.objects[P1]["metadata"]["labels"])
        assert f"{ROLES}/admin" in world.cluster.objects
