"""Server-side apply: what a manager says stands, what he no longer says goes, what another says is a conflict."""

from pathlib import Path
from typing import Any

import pytest

from libs.sandbox.tests.served import CONFIGS, DEPLOYMENTS, deployment, served
from libs.shared.errors import Conflict, Invalid, Malformed

HEAD = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
ONE = f"{CONFIGS}/a"
WEB = f"{DEPLOYMENTS}/web"


def said(**data: str) -> dict[str, Any]:
    """A ConfigMap with this data."""
    return {**HEAD, "data": data}


def managers(body: dict[str, Any]) -> list[str]:
    """Who owns fields of it."""
    return sorted(entry["manager"] for entry in body["metadata"]["managedFields"])


async def test_a_manager_takes_back_what_he_says_no_longer(tmp_path: Path) -> None:
    """Made where there is nothing; the next wish adds, changes and removes; the same wish again changes nothing."""
    async with served(tmp_path) as stage:
        made = await stage.kube.apply(ONE, said(x="1", y="2"), "m")
        assert managers(made) == ["m"]
        await stage.kube.patch(ONE, {"data": {"foreign": "kept"}})
        now = await stage.kube.apply(ONE, said(x="3", z="4"), "m")
        assert now["data"] == {"x": "3", "z": "4", "foreign": "kept"}
        again = await stage.kube.apply(ONE, said(x="3", z="4"), "m")
        assert again["metadata"]["resourceVersion"] == now["metadata"]["resourceVersion"]


async def test_another_manager_conflicts(tmp_path: Path) -> None:
    """What another applied is not changed unless forced, and is his no longer then; the same value is shared."""
    async with served(tmp_path) as stage:
        await stage.kube.apply(ONE, said(x="1"), "first")
        shared = await stage.kube.apply(ONE, said(x="1", y="2"), "second")
        assert managers(shared) == ["first", "second"]
        with pytest.raises(Conflict) as refused:
            await stage.kube.apply(ONE, said(x="9"), "third")
        assert refused.value.slug == "cluster-fields-owned"
        assert {flaw.field for flaw in refused.value.flaws} == {".data.x"}
        assert (await stage.kube.get(ONE))["data"] == {"x": "1", "y": "2"}
        forced = await stage.kube.apply(ONE, said(x="9"), "third", force=True)
        assert forced["data"] == {"x": "9", "y": "2"}
        assert managers(forced) == ["second", "third"]
        left = await stage.kube.apply(ONE, said(), "third")
        assert left["data"] == {"y": "2"}


async def test_items_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    """Two managers each bring a container and a variable of their own; one's going leaves the other's."""
    sidecar = {
        **{key: value for key, value in deployment().items() if key != "spec"},
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "envoy:1"}]}}},
    }
    async with served(tmp_path) as stage:
        await stage.kube.apply(WEB, deployment(), "main")
        both = await stage.kube.apply(WEB, sidecar, "mesh")
        names = [container["name"] for container in both["spec"]["template"]["spec"]["containers"]]
        assert sorted(names) == ["main", "side"]
        mine = deployment()
        mine["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "other:2"})
        with pytest.raises(Conflict, match=r'containers\[name="side"\]\.image'):
            await stage.kube.apply(WEB, mine, "main")
        bare = {**sidecar, "spec": {}}
        left = await stage.kube.apply(WEB, bare, "mesh")
        assert [container["name"] for container in left["spec"]["template"]["spec"]["containers"]] == ["main"]


async def test_wrong_applications(tmp_path: Path) -> None:
    """Without a manager, under another name, or invalid: refused, and nothing is made."""
    async with served(tmp_path) as stage:
        with pytest.raises(Malformed):
            await stage.kube.apply(ONE, said(), "")
        with pytest.raises(Malformed):
            await stage.kube.apply(f"{CONFIGS}/b", said(), "m")
        broken = deployment()
        del broken["spec"]["selector"]
        with pytest.raises(Invalid):
            await stage.kube.apply(WEB, broken, "m")
        assert (await stage.kube.get(CONFIGS))["items"] == []
        assert (await stage.kube.get(DEPLOYMENTS))["items"] == []
