"""What is observed is noted once and told once, whatever happens in between."""

from __future__ import annotations

import pytest

from libs.shared.errors import Busy
from services.cluster.parts import ready
from services.cluster.queries.index import index
from services.cluster.tests.stage import BINDINGS, NAMESPACES, P1, RBAC, World, binding, data, namespace

WATCHING = ("follow", "observe")
READER = {"metadata": {"name": "reader"}, "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}


async def test_what_stands_is_told_and_changes_after_it(world: World) -> None:
    """Namespaces, bindings and cluster roles are told as they stand, as they change, and when they are gone."""
    await world.kube.create(NAMESPACES, namespace())
    await world.kube.create(f"{RBAC}/clusterroles", READER)
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await stage.until_told("ClusterRoleObserved clusterroles/reader")
        await world.kube.create(BINDINGS, binding("eve"))
        await stage.until_told("ProjectRoleBound projects/p1")
        await world.kube.delete(f"{BINDINGS}/eve-viewer")
        await stage.until_told("ProjectRoleUnbound projects/p1")
        await world.kube.delete(P1)
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
        await world.kube.create(NAMESPACES, namespace(name))
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p2")
        await stage.until_told("ProjectObserved projects/p1")
        before = len(await stage.lines(""))
    await world.kube.delete(P1)
    await world.kube.create(NAMESPACES, namespace("p3"))
    async with world.opened(*WATCHING) as stage:
        await stage.until_gone(P1)
        await stage.until_told("ProjectObserved projects/p3")
        await stage.until_told("ProjectGone projects/p1")
        assert await stage.lines("p2") == ["ProjectObserved projects/p2"]
        since = (await stage.lines(""))[before:]
        assert {line for line in since if "Cluster" in line} == set()


async def test_a_change_that_says_nothing_new_is_not_told(world: World) -> None:
    """Another annotation of a namespace is no news."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await world.kube.patch(P1, {"metadata": {"annotations": {"note": "x"}}})
        await world.kube.patch(P1, {"metadata": {"labels": {"kubesphere.io/workspace": "other"}}})

        async def moved() -> bool:
            return any(data(one).get("workspace") == "other" for one in await stage.told())

        await stage.until(moved)
        assert len(await stage.lines()) == 2


async def test_a_burst_is_noted_in_few_units(world: World) -> None:
    """Hundreds of bindings are told, each once, in a few transactions."""
    many = 300
    await world.kube.create(NAMESPACES, namespace())
    for number in range(many):
        await world.kube.create(BINDINGS, binding(f"u{number}"))
    async with world.opened(*WATCHING) as stage:

        async def all_told() -> bool:
            return len(await stage.lines()) == many + 1

        await stage.until(all_told)
        assert len({one.id for one in await stage.told()}) == many + 1
        assert await stage.parts.store.revision() < 20, "units are batches"


async def test_the_snapshot_is_what_was_told(world: World) -> None:
    """The internal index lists each thing that stands once, with the version of its last event."""
    await world.kube.create(NAMESPACES, namespace())
    await world.kube.create(BINDINGS, binding("eve"))
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectRoleBound projects/p1")
        await stage.until_told("ProjectObserved projects/p1")
        told = {(one.name, one.version) for one in await stage.told("")}
        found = [(type(event).__name__, version, subject) async for subject, version, event in index(stage.parts.store)]
        assert {(name, version) for name, version, _ in found} == told
        assert [name for name, _, subject in found if subject == "projects/p1"] == [
            "ProjectObserved",
            "ProjectRoleBound",
        ]


async def test_no_cluster_is_no_news(world: World) -> None:
    """While the cluster cannot be listed nothing is told to be gone, and readiness says why."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p1")
        before = await stage.lines("")
    async with world.opened("observe") as stage:  # nobody follows
        with pytest.raises(Busy, match="namespaces"):
            await ready(stage.parts)
        assert await stage.lines("") == before


async def test_a_namespace_made_anew_is_another_one(world: World) -> None:
    """Deleted and made again under its name while nobody looked, it is told with its new uid."""
    first = await world.kube.create(NAMESPACES, namespace())
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await world.kube.delete(P1)
        await stage.until_gone(P1)
    second = await world.kube.create(NAMESPACES, namespace())
    async with world.opened(*WATCHING) as stage:

        async def anew() -> bool:
            told = [data(one) for one in await stage.told() if one.name == "ProjectObserved"]
            return told[-1]["uid"] == second["metadata"]["uid"] != first["metadata"]["uid"]

        await stage.until(anew)


async def test_a_cluster_that_goes_and_comes_back(world: World) -> None:
    """While it is away nothing is told to be gone; back with a history of its own, it is listed anew, and only what is
    different is told.
    """
    for name in ("p1", "p2"):
        await world.kube.create(NAMESPACES, namespace(name))
    async with world.opened(*WATCHING) as stage:
        await stage.until_told("ProjectObserved projects/p1")
        await stage.until_told("ProjectObserved projects/p2")
        before = await stage.lines("")
        await world.down()
        await stage.parts.clock.sleep(0.3)
        assert await stage.lines("") == before
        await world.up()
        await world.kube.delete(NAMESPACES + "/p2")
        await world.kube.create(NAMESPACES, namespace("p3"))
        await stage.until_told("ProjectObserved projects/p3")
        await stage.until_told("ProjectGone projects/p2")
        assert await stage.lines() == ["ProjectObserved projects/p1"]
        gone = [line for line in await stage.lines("") if line.startswith("ProjectGone")]
        assert gone == ["ProjectGone projects/p2"]
