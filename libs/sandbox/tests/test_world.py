"""The seeded world over HTTP: what a new sandbox has, and what its nodes and pods tell."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from libs.sandbox.rbac import RBAC
from libs.sandbox.seed.sowing import SOWN
from libs.sandbox.tests.served import DEPLOYMENTS, Stage, deployment, served
from libs.sandbox.world import whole
from libs.shared.errors import Denied, Malformed, Missing

SECONDS = 20
PODS = "/api/v1/namespaces/demo-project/pods"
SERIES = re.compile(r"([a-zA-Z0-9_]+)(\{[^}]*\})? ([0-9.e+-]+)")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with served(tmp_path, partial(whole, demo=True)) as found:
        await running(found, PODS, 10)
        yield found


async def running(stage: Stage, path: str, number: int) -> None:
    """Wait until so many pods run there, or have run to their end."""
    async with asyncio.timeout(SECONDS):
        while True:
            pods = (await stage.kube.get(path))["items"]
            if sum(pod["status"]["phase"] in ("Running", "Succeeded") for pod in pods) >= number:
                return
            await asyncio.sleep(0.05)


async def page(stage: Stage, path: str, node: str = "node-1") -> dict[str, list[tuple[str, float]]]:
    """A node's page, taken apart: each line is a sample, or says what follows."""
    text = await stage.kube.text(f"/api/v1/nodes/{node}/proxy/{path}")
    found: dict[str, list[tuple[str, float]]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            sample = SERIES.fullmatch(line)
            assert sample is not None, line
            found.setdefault(sample[1], []).append((sample[2] or "", float(sample[3])))
    return found


async def test_what_a_new_sandbox_has(stage: Stage) -> None:
    """Three nodes that are ready, KubeSphere's namespaces with their workspace, a default class, and the demo: one of
    each kind, its claims bound.
    """
    nodes = (await stage.kube.get("/api/v1/nodes"))["items"]
    assert [node["status"]["conditions"][-1]["status"] for node in nodes] == ["True"] * 3
    spaces = {each["metadata"]["name"]: each for each in (await stage.kube.get("/api/v1/namespaces"))["items"]}
    assert {"default", "kube-system", "kubesphere-system", "kubesphere-monitoring-system"} <= spaces.keys()
    assert spaces["demo-project"]["metadata"]["labels"]["kubesphere.io/workspace"] == "demo-ws"
    for kind in ("deployments", "statefulsets", "daemonsets"):
        assert (await stage.kube.get(f"/apis/apps/v1/namespaces/demo-project/{kind}"))["items"]
    for kind in ("jobs", "cronjobs"):
        assert (await stage.kube.get(f"/apis/batch/v1/namespaces/demo-project/{kind}"))["items"]
    claims = (await stage.kube.get("/api/v1/namespaces/demo-project/persistentvolumeclaims"))["items"]
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}
    events = (await stage.kube.get("/api/v1/namespaces/demo-project/events"))["items"]
    assert {"Scheduled", "Started", "SuccessfulCreate"} <= {event["reason"] for event in events}


async def test_seeds_are_sown_once(tmp_path: Path) -> None:
    """What was removed doesn't come back at the next start; a start that was cut off midway goes on; without a demo
    there is none.
    """
    async with served(tmp_path, whole) as stage:
        assert stage.objects.find("namespaces", "demo-project") is None
        stage.objects.delete("daemonsets.apps", "node-exporter", "kubesphere-monitoring-system")
    async with served(tmp_path, partial(whole, demo=True)) as stage:
        assert stage.objects.find("daemonsets.apps", "node-exporter", "kubesphere-monitoring-system") is None
        assert stage.objects.find("deployments.apps", "web", "demo-project") is not None
        stage.objects.delete("deployments.apps", "web", "demo-project")
        stage.objects.update("configmaps", SOWN, "kube-system", lambda body: body["data"].pop("demo"))
    async with served(tmp_path, partial(whole, demo=True)) as stage:
        assert stage.objects.find("deployments.apps", "web", "demo-project") is not None
        stage.objects.delete("deployments.apps", "web", "demo-project")
    async with served(tmp_path, partial(whole, demo=True)) as stage:
        assert stage.objects.find("deployments.apps", "web", "demo-project") is None


async def test_cadvisor_tells_of_containers(stage: Stage) -> None:
    """Every running container of the node by its labels, its pod's network, and no more of either."""
    pods = (await stage.kube.get("/api/v1/pods", fieldSelector="spec.nodeName=node-1"))["items"]
    wanted = {pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"}
    found = await page(stage, "metrics/cadvisor")
    told = [row for row, _ in found["container_cpu_usage_seconds_total"] if 'image=""' not in row]
    assert {re.findall(r',pod="([^"]+)"', row)[0] for row in told} == wanted
    assert all('namespace="' in row and 'container="' in row and 'id="/kubepods/' in row for row in told)
    for name in ("working_set_bytes", "usage_bytes", "rss", "cache"):
        assert len(found[f"container_memory_{name}"]) == len(found["container_cpu_usage_seconds_total"])
    for name in ("receive", "transmit"):
        network = found[f"container_network_{name}_bytes_total"]
        assert len(network) == len(wanted)
        assert all('interface="eth0"' in row and 'container=""' in row for row, _ in network)


async def test_what_is_told_fits_together(stage: Stage) -> None:
    """Counters only grow, a node is busier than its containers, its memory adds up, and claims have their volumes."""
    before, after = await page(stage, "metrics/node"), await page(stage, "metrics/node")
    for name in ("node_cpu_seconds_total", "node_network_receive_bytes_total", "node_disk_written_bytes_total"):
        assert [row for row, _ in before[name]] == [row for row, _ in after[name]]
        assert all(old <= new for (_, old), (_, new) in zip(before[name], after[name], strict=True))
    memory = {name: rows[0][1] for name, rows in after.items() if name.startswith("node_memory_")}
    assert memory["node_memory_MemTotal_bytes"] > memory["node_memory_MemAvailable_bytes"] > 0
    parts = sum(memory[f"node_memory_{part}_bytes"] for part in ("MemFree", "Cached", "Buffers", "SReclaimable"))
    held = await page(stage, "metrics/resource")
    used = sum(value for _, value in held["container_memory_working_set_bytes"])
    assert memory["node_memory_MemTotal_bytes"] - parts > 0.8 * used
    volumes = [await page(stage, "metrics", node) for node in ("node-1", "node-2", "node-3")]
    claims = [row for found in volumes for row, _ in found.get("kubelet_volume_stats_capacity_bytes", [])]
    assert {re.findall(r'persistentvolumeclaim="([^"]+)"', row)[0] for row in claims} == {"data-db-0", "data-db-1"}
    with pytest.raises(Missing):
        await stage.kube.text("/api/v1/nodes/node-1/proxy/metrics/else")
    with pytest.raises(Missing):
        await stage.kube.text("/api/v1/nodes/node-9/proxy/metrics/cadvisor")


async def test_metrics_by_their_api(stage: Stage) -> None:
    """`metrics.k8s.io` lists nodes and pods with cores and bytes, gives one of them, and takes nothing."""
    api = "/apis/metrics.k8s.io/v1beta1"
    nodes = (await stage.kube.get(f"{api}/nodes"))["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["node-1", "node-2", "node-3"]
    assert all(re.fullmatch(r"\d+n", node["usage"]["cpu"]) for node in nodes)
    pods = (await stage.kube.get(f"{api}/namespaces/demo-project/pods", labelSelector="app=web"))["items"]
    assert [len(pod["containers"]) for pod in pods] == [1, 1]
    one = pods[0]["metadata"]["name"]
    assert (await stage.kube.get(f"{api}/namespaces/demo-project/pods/{one}"))["kind"] == "PodMetrics"
    with pytest.raises(Missing):
        await stage.kube.get(f"{api}/nodes/node-9")
    assert (await stage.ask("POST", f"{api}/nodes", {"metadata": {"name": "x"}})).status == 405
    assert (await stage.ask("GET", f"{api}/nodes?watch=true")).status == 405


async def test_logs_are_read_and_followed(stage: Stage) -> None:
    """A pod's log as text: its last lines, since when, followed until the pod goes; what can't be read is told."""
    name = (await stage.kube.get(PODS, labelSelector="app=web"))["items"][0]["metadata"]["name"]
    whole_text = await stage.kube.text(f"{PODS}/{name}/log", timestamps="true")
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z ", whole_text)
    assert len((await stage.kube.text(f"{PODS}/{name}/log", tailLines="1")).splitlines()) == 1
    assert await stage.kube.text(f"{PODS}/{name}/log", limitBytes="5") == "/dock"
    for wrong in ({"container": "none"}, {"tailLines": "-1"}, {"sinceTime": "soon"}, {"previous": "true"}):
        with pytest.raises(Malformed):
            await stage.kube.text(f"{PODS}/{name}/log", **wrong)
    lines = stage.kube.lines(f"{PODS}/{name}/log", follow="true")
    assert b"docker-entrypoint" in await anext(lines)
    await stage.kube.delete(f"{PODS}/{name}")
    async with asyncio.timeout(SECONDS):
        assert [line async for line in lines]


async def test_a_crash_is_seen(stage: Stage) -> None:
    """A Deployment whose pods are told to crash: restarts, CrashLoopBackOff, an Event, the log of the run before."""
    body = deployment("bad", 1)
    body["spec"]["template"]["metadata"]["annotations"] = {"sandbox.orrery.io/crash": "true"}
    await stage.kube.create(DEPLOYMENTS, body)
    pods = "/api/v1/namespaces/default/pods"
    async with asyncio.timeout(SECONDS):
        while True:
            found = (await stage.kube.get(pods, labelSelector="app=bad"))["items"]
            states = [s for pod in found for s in pod["status"].get("containerStatuses") or ()]
            if states and states[0]["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff":
                break
            await asyncio.sleep(0.05)
    assert states[0]["restartCount"] >= 1
    name = found[0]["metadata"]["name"]
    events = (await stage.kube.get("/api/v1/namespaces/default/events"))["items"]
    assert any(e["reason"] == "BackOff" and e["involvedObject"]["name"] == name for e in events)
    assert "signal 11" in await stage.kube.text(f"{pods}/{name}/log")


async def test_nobody_hands_out_more_than_he_holds(stage: Stage) -> None:
    """Who may write Roles in a project can't make one that allows more than he may himself, nor bind himself to one."""
    path = f"/apis/{RBAC}/v1/namespaces/demo-project"
    ann = stage.kube.as_user("ann")
    grant: dict[str, Any] = {
        "metadata": {"name": "ann"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "User", "name": "ann"}],
    }
    await stage.kube.create(f"{path}/rolebindings", grant)
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    await ann.create(f"{path}/roles", {"metadata": {"name": "looker"}, "rules": [rule]})
    for rules in ([{**rule, "resources": ["nodes"]}], [{**rule, "apiGroups": ["*"], "resources": ["*"]}]):
        with pytest.raises(Denied):
            await ann.create(f"{path}/roles", {"metadata": {"name": "more"}, "rules": rules})
        with pytest.raises(Denied):
            await ann.patch(f"{path}/roles/looker", {"rules": rules})
    more = {**grant, "metadata": {"name": "more"}, "roleRef": {**grant["roleRef"], "name": "cluster-admin"}}
    with pytest.raises(Denied):
        await ann.create(f"{path}/rolebindings", more)
