"""Strategies and policies become Istio's objects in a cluster, and go with their service."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from libs.shared.errors import Invalid
from services.mesh.domain.governing import ServicePolicy, Strategy, Wish
from services.mesh.domain.split import Split
from services.mesh.tests.stage import (
    DEPLOYMENTS,
    ENABLED,
    LABELS,
    NS,
    RULE,
    SERVICES,
    VIRTUAL,
    Stage,
    stage,
)

WAY = {"host": "reviews", "port": {"number": 80}}


def canary(old: int, new: int, **more: Any) -> dict[str, Any]:
    """A strategy of the console's."""
    ways = [
        {"destination": {"host": "reviews", "subset": "v1"}, "weight": old},
        {"destination": {"host": "reviews", "subset": "v2"}, "weight": new},
    ]
    template = {"spec": {"hosts": ["reviews"], "http": [{"route": ways}]}}
    return {"type": "Canary", "principal": "v1", "strategyPolicy": "Immediately", "template": template, **more}


def subsets(spec: dict[str, Any]) -> list[str]:
    return [one["name"] for one in spec["subsets"]]


def weights(spec: dict[str, Any]) -> list[int]:
    return [one["weight"] for one in spec["http"][0]["route"]]


async def both(stands: Stage) -> None:
    """A component of two versions."""
    await stands.service()
    await stands.version("v1")
    await stands.version("v2")
    await stands.until(RULE, lambda spec: set(subsets(spec)) == {"v1", "v2"})


async def test_a_service_gets_subsets_and_one_version_gets_everything(tmp_path: Path) -> None:
    """Without a strategy, each port goes to the oldest version; HTTP and TCP are told apart by the ports' names."""
    async with stage(tmp_path) as stands:
        await both(stands)
        spec = await stands.until(VIRTUAL, lambda spec: "http" in spec)
    assert spec == {
        "hosts": ["reviews"],
        "http": [
            {
                "name": "http-web",
                "match": [{"port": 80}],
                "route": [{"destination": {**WAY, "subset": "v1"}, "weight": 100}],
            }
        ],
        "tcp": [
            {
                "match": [{"port": 9000}],
                "route": [
                    {"destination": {"host": "reviews", "port": {"number": 9000}, "subset": "v1"}, "weight": 100}
                ],
            }
        ],
    }


async def test_a_canary_is_shared_paused_taken_over_and_ended(tmp_path: Path) -> None:
    """70 to 30, then back to one version while it is paused, then all to the governor, then back to one version."""
    async with stage(tmp_path) as stands:
        await both(stands)
        made = await stands.wants(Strategy, canary(70, 30))
        spec = await stands.until(VIRTUAL, lambda spec: weights(spec) == [70, 30])
        assert spec["http"][0]["match"] == [{"port": 80}]
        assert "tcp" not in spec
        made = await stands.changes(made, strategyPolicy="Paused")
        spec = await stands.until(VIRTUAL, lambda spec: weights(spec) == [100])
        assert spec["http"][0]["route"][0]["destination"]["subset"] == "v1"
        made = await stands.changes(made, strategyPolicy="Immediately", governor="v2")
        await stands.until(VIRTUAL, lambda spec: spec["http"][0]["route"][0]["destination"]["subset"] == "v2")
        await stands.wants_no_more(made)
        await stands.until(VIRTUAL, lambda spec: spec["http"][0]["route"][0]["destination"]["subset"] == "v1")
        split = await stands.parts.store.of(Split).get(f"{NS}/reviews")
    assert split.virtual == "reviews"


async def test_a_strategy_waits_for_its_versions(tmp_path: Path) -> None:
    """Until both are ready nothing is shared; then it is, and a restart of a version's pods takes nothing from it."""
    async with stage(tmp_path) as stands:
        await stands.service()
        await stands.version("v1")
        await stands.wants(Strategy, canary(50, 50, strategyPolicy="WaitForWorkloadReady"))
        await stands.version("v2", ready=0)
        spec = await stands.until(VIRTUAL, lambda spec: "http" in spec)
        assert weights(spec) == [100]
        await stands.becomes("v2", 1)
        await stands.until(VIRTUAL, lambda spec: weights(spec) == [50, 50])
        await stands.becomes("v2", 0)
        await stands.version("v3")
        await stands.until(RULE, lambda spec: "v3" in subsets(spec))
        assert subsets((await stands.kube.get(RULE))["spec"]) == ["v1", "v2", "v3"]
        await stands.kube.patch(f"{DEPLOYMENTS}/reviews-v2", {"spec": {"replicas": 0}})
        await stands.until(RULE, lambda spec: subsets(spec) == ["v1", "v3"])
        await stands.until(VIRTUAL, lambda spec: weights(spec) == [100])


async def test_copies_go_to_a_mirror(tmp_path: Path) -> None:
    """A mirror's route keeps its mirror, at the port."""
    route = {
        "route": [{"destination": {"host": "reviews", "subset": "v1"}, "weight": 100}],
        "mirror": {"host": "reviews", "subset": "v2"},
    }
    async with stage(tmp_path) as stands:
        await both(stands)
        await stands.wants(Strategy, {"type": "Mirror", "template": {"spec": {"http": [route]}}})
        spec = await stands.until(VIRTUAL, lambda spec: "mirror" in spec["http"][0])
    assert spec["http"][0]["mirror"] == {**WAY, "subset": "v2"}


async def test_a_policy_is_part_of_the_rule_while_it_is_the_only_one(tmp_path: Path) -> None:
    """Its traffic policies are copied, of the whole and of a version; a second one changes nothing; they go with it."""
    pool = {"connectionPool": {"tcp": {"maxConnections": 7}}}
    own = {"loadBalancer": {"simple": "ROUND_ROBIN"}}
    template = {"spec": {"host": "reviews", "trafficPolicy": pool, "subsets": [{"name": "v2", "trafficPolicy": own}]}}
    async with stage(tmp_path) as stands:
        await both(stands)
        made = await stands.wants(ServicePolicy, {"template": template})
        spec = await stands.until(RULE, lambda spec: "trafficPolicy" in spec)
        assert spec["trafficPolicy"] == pool
        assert [one.get("trafficPolicy") for one in spec["subsets"]] == [None, own]
        second = await stands.wants(ServicePolicy, {"template": {"spec": {}}}, "reviews-two")
        await stands.version("v3")
        await asyncio.sleep(0.2)
        assert (await stands.kube.get(RULE))["spec"] == spec
        await stands.wants_no_more(second)
        await stands.until(RULE, lambda spec: "v3" in subsets(spec))
        await stands.wants_no_more(made)
        await stands.until(RULE, lambda spec: "trafficPolicy" not in spec)


async def test_routes_that_somebody_wrote_by_hand(tmp_path: Path) -> None:
    """A timeout of a named route stays through changes; a route of another's is overwritten; what we made and somebody
    removed is made again.
    """
    async with stage(tmp_path) as stands:
        await both(stands)
        spec = await stands.until(VIRTUAL, lambda spec: "http" in spec)
        route = {**spec["http"][0], "timeout": "3s", "route": []}
        await stands.kube.patch(VIRTUAL, {"spec": {"http": [route, {"name": "mine", "route": []}]}})
        kept = await stands.until(VIRTUAL, lambda spec: len(spec["http"]) == 1)
        assert kept["http"] == [{**spec["http"][0], "timeout": "3s"}]
        await stands.kube.delete(VIRTUAL)
        await stands.until(VIRTUAL, lambda spec: spec["http"][0]["name"] == "http-web")


async def test_routing_goes_with_its_service_alone(tmp_path: Path) -> None:
    """A service that leaves the mesh keeps its routing; one that is deleted takes it along, and the policy of its name,
    also when it went while nobody looked.
    """
    async with stage(tmp_path / "a", data=tmp_path / "data") as stands:
        await both(stands)
        await stands.wants(ServicePolicy, {"template": {"spec": {}}})
        await stands.until(VIRTUAL, lambda spec: "http" in spec)
        await stands.kube.patch(
            f"{SERVICES}/reviews", {"metadata": {"annotations": {"servicemesh.kubesphere.io/enabled": "false"}}}
        )
        await asyncio.sleep(0.2)
        await stands.kube.get(RULE)
        await stands.kube.delete(f"{SERVICES}/reviews")
        await stands.gone(RULE)
        await stands.gone(VIRTUAL)
        await stands.forgotten(ServicePolicy)
        await stands.service()
        await stands.until(VIRTUAL, lambda spec: "http" in spec)
    async with stage(tmp_path / "b", data=tmp_path / "data") as stands:  # another cluster: the service isn't there
        await stands.forgotten(Split)


async def test_two_strategies_for_one_component(tmp_path: Path) -> None:
    """Traffic stays as it was until there is one again."""
    async with stage(tmp_path) as stands:
        await both(stands)
        await stands.wants(Strategy, canary(70, 30))
        await stands.until(VIRTUAL, lambda spec: weights(spec) == [70, 30])
        second = await stands.wants(Strategy, canary(0, 100), "reviews-two")
        await asyncio.sleep(0.2)
        assert weights((await stands.kube.get(VIRTUAL))["spec"]) == [70, 30]
        await stands.wants_no_more(second)


async def test_what_is_no_component_is_let_alone(tmp_path: Path) -> None:
    """Without the labels, or the annotation, or a port nobody's routing is written."""
    async with stage(tmp_path) as stands:
        about = {"name": "plain", "namespace": NS, "annotations": ENABLED}
        await stands.kube.create(SERVICES, {"metadata": about, "spec": {"selector": LABELS, "ports": [{"port": 80}]}})
        await both(stands)
        rules = [one["metadata"]["name"] async for one in stands.kube.pages(RULE.rpartition("/")[0])]
    assert rules == ["reviews"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"strategyPolicy": "Sometimes"}, "spec.strategyPolicy: Unsupported value"),
        ({"template": {"spec": {"http": "x"}}}, "spec.template.spec.http: "),
        ({"template": {"spec": {"tcp": [{"route": [{"weight": 1}]}]}}}, "spec.template.spec.tcp[0].route: "),
        (
            {"template": {"spec": {"http": [{"route": [{"destination": {}, "weight": 101}]}]}}},
            "spec.template.spec.http[0].route: ",
        ),
        (
            {"template": {"spec": {"http": [{"route": [{"destination": {}, "weight": True}]}]}}},
            "spec.template.spec.http[0].route: ",
        ),
        ({"type": "x" * (64 << 10)}, "spec: Too long"),
    ],
)
def test_refused_wishes(spec: dict[str, Any], field: str) -> None:
    """What is no routing is refused by its place."""
    with pytest.raises(Invalid, match=re.escape(field)):
        Strategy.check(Wish(NS, "odd", spec=spec))
