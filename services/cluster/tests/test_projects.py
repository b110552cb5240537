"""Every project is set up, stays so, and ends with its workspace."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from libs.shared.errors import Busy
from services.cluster.domain.project import Founded
from services.cluster.reactions import end_projects
from services.cluster.tests.stage import BINDINGS, NAMESPACES, P1, RBAC, ROLES, Stage, World, namespace


async def set_up(stage: Stage) -> None:
    """Wait until a project has everything."""
    await stage.until_stands(f"{ROLES}/admin", f"{ROLES}/role-template-view-basic", f"{BINDINGS}/bob-admin")


async def founded(stage: Stage) -> None:
    """Wait until it is noted that the creator was made admin."""

    async def noted() -> bool:
        return bool(await stage.parts.store.of(Founded).find())

    await stage.until(noted)


async def test_a_project_gets_its_roles_and_its_creator_as_admin(world: World) -> None:
    """Built-in roles, templates, the creator's binding, and what releases may do; of a project alone."""
    await world.kube.create(NAMESPACES, namespace())
    await world.kube.create(NAMESPACES, {"metadata": {"name": "loose"}})
    async with world.opened() as stage:
        await set_up(stage)
        kube = stage.kube
        assert (await kube.get(P1))["metadata"]["labels"]["kubesphere.io/namespace"] == "p1"
        assert (await kube.get(f"{ROLES}/viewer"))["rules"] == [
            {"verbs": ["get", "list", "watch"], "apiGroups": ["*"], "resources": ["*"]}
        ]
        mine = await kube.get(f"{BINDINGS}/bob-admin")
        assert (mine["subjects"][0]["name"], mine["roleRef"]["name"]) == ("bob", "admin")
        await stage.until_stands(f"{BINDINGS}/orrery-releases")
        releases = await kube.get(f"{BINDINGS}/orrery-releases")
        assert [one["name"] for one in releases["subjects"]] == ["orrery:releases:p1"]
        assert releases["roleRef"]["name"] == "edit"
        await stage.until_told("ProjectObserved projects/loose")
        assert [one async for one in kube.pages(f"{RBAC}/namespaces/loose/roles")] == []


async def test_a_namespace_that_is_labelled_later_becomes_a_project(world: World) -> None:
    """`kubectl label` is enough: roles come, and it is told which workspace it belongs to."""
    await world.kube.create(NAMESPACES, {"metadata": {"name": "p1"}})
    async with world.opened() as stage:
        await stage.until_told("ProjectObserved projects/p1")
        assert await stage.look(f"{ROLES}/viewer") is None
        await world.kube.patch(P1, {"metadata": {"labels": {"kubesphere.io/workspace": "ws"}}})
        await stage.until_stands(f"{ROLES}/admin", f"{ROLES}/operator", f"{ROLES}/viewer")
        last = [one for one in await stage.told() if one.name == "ProjectObserved"][-1]
        assert last.workspace == "ws"


async def test_it_is_restored_and_a_second_creator_gets_nothing(world: World) -> None:
    """A built-in role that was changed or deleted comes back; who is written down as creator later is not made admin,
    and a removed creator stays removed.
    """
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened() as stage:
        await set_up(stage)
        await founded(stage)
        await world.kube.delete(f"{ROLES}/viewer")
        await stage.until_stands(f"{ROLES}/viewer")
        await world.kube.patch(f"{ROLES}/viewer", {"rules": []})

        async def restored() -> bool:
            return bool((await stage.kube.get(f"{ROLES}/viewer"))["rules"])

        await stage.until(restored)
        await world.kube.delete(f"{BINDINGS}/bob-admin")
        await world.kube.patch(P1, {"metadata": {"annotations": {"kubesphere.io/creator": "mallory"}}})
        await world.kube.delete(f"{ROLES}/operator")
        await stage.until_stands(f"{ROLES}/operator")
        assert await stage.look(f"{BINDINGS}/bob-admin") is None
        assert await stage.look(f"{BINDINGS}/mallory-admin") is None


async def test_what_fails_is_tried_again(world: World) -> None:
    """A cluster that refuses for a while leaves no project half set up."""
    await world.kube.create(NAMESPACES, namespace())
    world.weather.failing = [Busy("cluster-failing", "not now") for _ in range(3)]
    async with world.opened() as stage:
        await set_up(stage)
        assert not world.weather.failing


async def test_a_restart_in_the_middle_goes_on(world: World) -> None:
    """Whatever was done before this process died is neither lost nor done again."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened() as stage:
        await stage.until_stands(f"{ROLES}/admin")
    async with world.opened() as stage:
        await set_up(stage)
        await founded(stage)
    made = [line for line in world.weather.writes if line.startswith("create")]
    world.weather.writes.clear()
    async with world.opened() as stage:
        await stage.until_told("ProjectRoleBound projects/p1")
        await stage.until(lambda: stage.parts.shelf.stands("rolebindings"))
    assert len(made) - len(set(made)) <= 1, "at most what was under way is asked for again"
    assert world.weather.writes == [], "a project that is as it should be is left alone"


async def test_it_ends_with_its_workspace(world: World) -> None:
    """Projects of a deleted workspace are deleted, however often that is told; those of others stay."""
    await world.kube.create(NAMESPACES, namespace())
    await world.kube.create(NAMESPACES, namespace("p2", "other"))
    async with world.opened() as stage:
        await set_up(stage)
        for _ in range(2):
            await stage.parts.store.transact(end_projects, WorkspaceDeleted(workspace="ws", uid="u"))
        await stage.until_gone(P1)
        assert await stage.look(NAMESPACES + "/p2") is not None


async def test_it_may_outlive_its_workspace(world: World) -> None:
    """Deleted with `Orphan`, a workspace leaves its projects behind, which then belong to none."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened() as stage:
        await set_up(stage)
        await stage.parts.store.transact(end_projects, WorkspaceDeleted(workspace="ws", uid="u", orphan=True))

        async def free() -> bool:
            return "kubesphere.io/workspace" not in (await stage.kube.get(P1))["metadata"]["labels"]

        await stage.until(free)
        assert await stage.look(f"{ROLES}/admin") is not None
