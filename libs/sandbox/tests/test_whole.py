"""The sandbox as hosting opens it: a cluster with nodes and rights, whose Deployments run."""

import asyncio
from pathlib import Path

import pytest

from libs.sandbox.tests.served import CONFIGS, DEPLOYMENTS, config, deployment, served
from libs.sandbox.world import whole
from libs.shared.errors import Denied

SECONDS = 20


async def test_a_deployment_comes_up(tmp_path: Path) -> None:
    """A Deployment that is made by HTTP has its Pods running on nodes, and is gone with them when it is deleted."""
    async with served(tmp_path, whole) as stage:
        await stage.kube.create(DEPLOYMENTS, deployment(replicas=2))
        async with asyncio.timeout(SECONDS):
            async for change in stage.kube.watch(DEPLOYMENTS):
                if change.object and (change.object.get("status") or {}).get("readyReplicas") == 2:
                    break
        pods = (await stage.kube.get("/api/v1/namespaces/default/pods", labelSelector="app=web"))["items"]
        assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
        assert {pod["spec"]["nodeName"] for pod in pods} <= {"node-1", "node-2", "node-3"}
        await stage.kube.delete(f"{DEPLOYMENTS}/web")
        async with asyncio.timeout(SECONDS):
            left = {pod["metadata"]["name"] for pod in pods}
            async for change in stage.kube.watch("/api/v1/namespaces/default/pods"):
                if change.type == "DELETED":
                    left.discard(change.object["metadata"]["name"])
                if not left:
                    break


async def test_rights(tmp_path: Path) -> None:
    """The group of decided requests may everything, a stranger looks up what there is and no more."""
    async with served(tmp_path, whole) as stage:
        decided = stage.kube.as_user("ann", ["orrery:decided"])
        await decided.create(CONFIGS, config())
        stranger = stage.kube.as_user("bob")
        assert (await stranger.get("/apis"))["kind"] == "APIGroupList"
        with pytest.raises(Denied, match='User "bob" cannot get resource "configmaps"'):
            await stranger.get(f"{CONFIGS}/a")
        binding = {
            "metadata": {"name": "bob"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "User", "name": "bob"}],
        }
        await stage.kube.create("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", binding)
        assert (await stranger.get(f"{CONFIGS}/a"))["metadata"]["name"] == "a"
        with pytest.raises(Denied):
            await stranger.get("/api/v1/namespaces/default/secrets")
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        told = (await stranger.create(path, {"spec": {"namespace": "default"}}))["status"]
        assert any(
            "configmaps" in rule["resources"] and rule["verbs"] == ["get", "list", "watch"]
            for rule in told["resourceRules"]
        )
        assert not any("secrets" in rule["resources"] for rule in told["resourceRules"])
        assert any("/apis" in rule["nonResourceURLs"] for rule in told["nonResourceRules"])
