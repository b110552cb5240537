"""Strategic merge patches: lists by key, directives, and kinds that know no strategy."""

from pathlib import Path

import pytest

from libs.sandbox.api.strategic import merged
from libs.sandbox.tests.served import DEPLOYMENTS, deployment, served
from libs.shared.errors import Malformed, Unsupported

WEB = f"{DEPLOYMENTS}/web"


def containers(*found: dict) -> dict:
    """A patch of a Deployment's containers."""
    return {"spec": {"template": {"spec": {"containers": list(found)}}}}


async def test_lists_are_merged_by_key(tmp_path: Path) -> None:
    """One container's image changes and another is added, what isn't named stays; `$patch: delete` takes one out."""
    async with served(tmp_path) as stage:
        await stage.kube.create(DEPLOYMENTS, deployment())
        wish = containers({"name": "main", "image": "nginx:2"}, {"name": "side", "image": "envoy"})
        now = await stage.kube.patch(WEB, wish, kind="strategic")
        found = now["spec"]["template"]["spec"]["containers"]
        assert [(c["name"], c["image"], c["imagePullPolicy"]) for c in found] == [
            ("main", "nginx:2", "IfNotPresent"),
            ("side", "envoy", "Always"),
        ]
        now = await stage.kube.patch(WEB, containers({"name": "main", "$patch": "delete"}), kind="strategic")
        assert [c["name"] for c in now["spec"]["template"]["spec"]["containers"]] == ["side"]


async def test_kinds_of_others_know_no_strategy(tmp_path: Path) -> None:
    """An object of a CustomResourceDefinition takes the other patches alone."""
    routes = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"
    async with served(tmp_path) as stage:
        await stage.kube.create(routes, {"metadata": {"name": "a"}, "spec": {"hosts": ["a"]}})
        with pytest.raises(Unsupported):
            await stage.kube.patch(f"{routes}/a", {"spec": {}}, kind="strategic")
        assert (await stage.kube.patch(f"{routes}/a", {"spec": {"hosts": ["b"]}}))["spec"] == {"hosts": ["b"]}


@pytest.mark.parametrize(
    ("old", "wish", "new"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ({"command": ["a"]}, {"command": ["b"]}, {"command": ["b"]}),
        ({"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["a", "b"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        (
            {"strategy": {"type": "A", "x": 1}},
            {"strategy": {"$retainKeys": ["type"], "type": "B"}},
            {"strategy": {"type": "B"}},
        ),
        (
            {"env": [{"name": "a"}, {"name": "b"}]},
            {"env": [{"$patch": "replace"}, {"name": "c"}]},
            {"env": [{"name": "c"}]},
        ),
        (
            {"env": [{"name": "a", "value": "1"}, {"name": "b"}]},
            {"$setElementOrder/env": [{"name": "b"}, {"name": "a"}], "env": [{"name": "a", "value": "2"}]},
            {"env": [{"name": "b"}, {"name": "a", "value": "2"}]},
        ),
    ],
)
def test_directives(old: dict, wish: dict, new: dict) -> None:
    """Each directive does what Kubernetes' documentation says of it."""
    assert merged(old, wish) == new


@pytest.mark.parametrize("wish", [{"$patch": "burn"}, {"$retainKeys": 1}, {"$setElementOrder/a": {}}])
def test_unknown_directives(wish: dict) -> None:
    """What is no directive is refused."""
    with pytest.raises(Malformed):
        merged({"a": []}, wish)
