"""Projects as the console makes, lists, changes and deletes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.cluster.tests.served import NOBODY, TENANT, Asked, served
from services.cluster.tests.stage import NAMESPACES, P1, Stage, World, namespace

WS = TENANT + "/workspaces/ws/namespaces"


@pytest.fixture
async def ask(world: World) -> AsyncIterator[Asked]:
    """The service without the worker that sets projects up."""
    async with world.opened("follow", "observe") as stage, served(stage) as asked:
        yield asked


async def made(stage: Stage, body: dict[str, Any]) -> None:
    """A namespace that somebody else made, once this process knows of it."""
    await stage.kube.create(NAMESPACES, body)
    await stage.until_told(f"ProjectObserved projects/{body['metadata']['name']}")


async def test_a_project_is_made_and_told(ask: Asked) -> None:
    """It belongs to the workspace of the path and to who asks, whatever the body says, and is listed at once."""
    about = {
        "name": "p1",
        "labels": {"kubesphere.io/workspace": "other", "team": "a"},
        "annotations": {"kubesphere.io/creator": "mallory", "kubesphere.io/alias-name": "One"},
    }
    answer = await ask("POST", WS, {"metadata": about}, who="bob")
    assert answer.status == 200
    assert answer.told.startswith("ProjectObserved=")
    found = await ask.stage.kube.get(P1)
    assert found["metadata"]["labels"]["kubesphere.io/workspace"] == "ws"
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["metadata"]["annotations"]["kubesphere.io/creator"] == "bob"
    assert (await ask("GET", WS)).names == ["p1"]
    assert (await ask("GET", TENANT + "/workspaces/other/namespaces")).names == []
    assert (await ask("GET", WS + "/p1")).json["metadata"]["name"] == "p1"
    assert (await ask("POST", WS, {"metadata": about})).status == 400, "a taken name"


async def test_lists_are_narrowed_by_rights(ask: Asked) -> None:
    """Whoever may not list all sees those that he is bound in, and of another workspace none of them."""
    for name, workspace in (("p1", "ws"), ("p2", "ws"), ("p3", "other")):
        await made(ask.stage, namespace(name, workspace))
    ask.answers["eve"] = {**NOBODY, "namespaces.mine": ["p2", "p3", "gone"]}
    assert (await ask("GET", WS, who="eve")).names == ["p2"]
    assert sorted((await ask("GET", TENANT + "/namespaces", who="eve")).names) == ["p2", "p3"]
    assert (await ask("GET", TENANT + "/namespaces", who="dora")).names == []
    assert sorted((await ask("GET", WS + "?labelSelector=!kubesphere.io/devopsproject")).names) == ["p1", "p2"]


async def test_it_stays_in_its_workspace(ask: Asked) -> None:
    """Labels and annotations are changed, but for those that say whose it is; another workspace's is not there."""
    await made(ask.stage, namespace())
    patch = {"metadata": {"labels": {"kubesphere.io/workspace": "other", "a": "b"}, "annotations": {"note": "x"}}}
    changed = (await ask("PATCH", WS + "/p1", patch)).json["metadata"]
    assert changed["labels"]["kubesphere.io/workspace"] == "ws"
    assert (changed["labels"]["a"], changed["annotations"]["note"]) == ("b", "x")
    taken = {"metadata": {"annotations": {"kubesphere.io/creator": "mallory"}}}
    assert (await ask("PATCH", WS + "/p1", taken)).json["metadata"]["annotations"]["kubesphere.io/creator"] == "bob"
    whole = await ask.stage.kube.get(P1)
    whole["metadata"]["labels"].pop("a")
    replaced = (await ask("PUT", WS + "/p1", whole)).json["metadata"]
    assert "a" not in replaced["labels"]
    assert (await ask("PUT", WS + "/p1", whole)).status == 409, "a stale one"
    for method in ("GET", "DELETE"):
        assert (await ask(method, TENANT + "/workspaces/other/namespaces/p1")).status == 404
    assert (await ask("PATCH", TENANT + "/workspaces/other/namespaces/p1", patch)).status == 404
    assert await ask.stage.look(P1) is not None


async def test_it_is_deleted(ask: Asked) -> None:
    """With everything in it; a second time it is not there."""
    await made(ask.stage, namespace())
    answer = await ask("DELETE", WS + "/p1")
    assert (answer.status, answer.json) == (200, {"message": "success"})
    await ask.stage.until_gone(P1)
    await ask.stage.until_told("ProjectGone projects/p1")
    assert (await ask("DELETE", WS + "/p1")).status == 404


BAD: tuple[tuple[object, int], ...] = (
    ({}, 422),
    ({"metadata": {"name": "Has Blanks"}}, 422),
    ({"metadata": {"name": "x" * 64}}, 422),
    ({"metadata": {"name": "p1", "labels": {"a": "not a label!"}}}, 422),
    ({"metadata": {"name": "p1", "labels": ["a"]}}, 422),
    ({"metadata": {"name": 7}}, 422),
    ({"metadata": "p1"}, 422),
    (["p1"], 400),
)


async def test_bad_projects_are_refused(ask: Asked) -> None:
    """With a sentence, and nothing is written."""
    for body, status in BAD:
        answer = await ask("POST", WS, body)
        assert answer.status == status, (body, answer.text)
    for raw in (b"{]", b"\xff\xfe"):
        assert (await ask("POST", WS, raw=raw)).status == 400
    assert ask.stage.world.weather.writes == []


async def test_there_is_no_project_without_its_workspace(ask: Asked) -> None:
    """A workspace that accounts doesn't know takes none."""
    answer = await ask("POST", TENANT + "/workspaces/none-such/namespaces", {"metadata": {"name": "p1"}})
    assert answer.status == 404
    assert await ask.stage.look(P1) is None
