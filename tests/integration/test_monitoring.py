"""Monitoring behind the gateway, on the sandbox cluster: it is measured, and each role reads what is its own alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from services.monitoring.tests.written import request, snappy
from tests.suite import running

PASSWORD = "P@88w0rd-1"
MONITORING = "/kapis/monitoring.kubesphere.io/v1alpha3"
PROMETHEUS = "/kapis/monitoring.orrery.io/v1/prometheus/api/v1"
IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io"
ROLE = "iam.kubesphere.io/globalrole"
PEOPLE = {"olga": "platform-regular", "wendy": "platform-regular", "nora": "platform-regular", "vera": "platform-admin"}
"""An outsider, an administrator of the workspace red, a viewer of its project shop, and one of the platform."""


class Suite:
    """Asks the gateway as somebody."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._tokens: dict[str, str] = {}

    async def sign_in(self, name: str) -> None:
        """Get a token."""
        form = {"grant_type": "password", "client_id": "kubesphere", "client_secret": "kubesphere"}
        async with self._session.post("/oauth/token", data={**form, "username": name, "password": PASSWORD}) as answer:
            self._tokens[name] = (await answer.json())["access_token"]

    async def ask(self, who: str, path: str, method: str = "GET", **options: Any) -> tuple[int, Any]:
        """Status and body."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who in self._tokens else {}
        async with self._session.request(method, path, headers=headers, **options) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if answer.content_type == "application/json" else raw

    async def done(self, path: str, body: Any) -> None:
        """A command of admin's, until what it needs stands."""
        async with asyncio.timeout(30):
            while (found := await self.ask("admin", path, "POST", json=body))[0] not in (200, 201):
                assert found[0] in (400, 403, 404, 503), found
                await asyncio.sleep(0.1)

    async def values(self, path: str, **query: str) -> dict[str, list[float]]:
        """What admin is told, by metric."""
        status, told = await self.ask("admin", MONITORING + path, params=query)
        assert status == 200, told
        rows = {one["metric_name"]: one["data"].get("result", []) for one in told["results"]}
        return {name: [float(row["value"][1]) for row in several if "value" in row] for name, several in rows.items()}


async def until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], seconds: float = 60) -> Any:
    """The first answer that holds."""
    async with asyncio.timeout(seconds):
        while True:
            if holds(found := await ask()):
                return found
            await asyncio.sleep(0.2)


def user(name: str, role: str) -> dict[str, Any]:
    spec = {"email": f"{name}@example.com", "password": PASSWORD}
    return {"metadata": {"name": name, "annotations": {ROLE: role}}, "spec": spec}


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "200m", "memory": "64Mi"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


@pytest.fixture
async def suite() -> AsyncIterator[Suite]:
    """Two workspaces with a project each, in which something runs; everybody is signed in."""
    names = ("gateway", "accounts", "cluster", "monitoring")
    stands = running(*names, admin_password=PASSWORD, monitoring_first_interval=1)
    async with stands as found, aiohttp.ClientSession(found.gateway) as session:
        made, kube = Suite(session), found.services["monitoring"].host.cluster
        await made.sign_in("admin")
        for name, role in PEOPLE.items():
            await made.done(IAM + "/users", user(name, role))
            await made.sign_in(name)
        for workspace, project in (("red", "shop"), ("blue", "lab")):
            body = {"metadata": {"name": workspace}, "spec": {"template": {"spec": {"manager": "admin"}}}}
            await made.done(f"{TENANT}/v1alpha3/workspacetemplates", body)
            await made.done(f"{TENANT}/v1alpha2/workspaces/{workspace}/namespaces", {"metadata": {"name": project}})
            await kube.create(f"/apis/apps/v1/namespaces/{project}/deployments", deployment(f"{project}-web"))
        wendy = [{"username": "wendy", "roleRef": "red-admin"}, {"username": "nora", "roleRef": "red-viewer"}]
        await made.done(f"{IAM}/workspaces/red/workspacemembers", wendy)
        await made.done(f"{IAM}/namespaces/shop/members", [{"username": "nora", "roleRef": "viewer"}])
        await made.done(f"{IAM}/namespaces/lab/members", [{"username": "vera", "roleRef": "viewer"}])
        yield made


async def test_the_main_road(suite: Suite) -> None:
    """The cluster, its nodes and its projects are measured, over time as well; what is up is counted in PromQL, and
    what is pushed is found: by those alone who may.
    """
    wanted = ("cluster_cpu_usage", "cluster_memory_usage_wo_cache", "cluster_pod_running_count")
    query = {"metrics_filter": "|".join(wanted) + "$"}
    found = await until(
        lambda: suite.values("/cluster", **query), lambda v: len(v) == 3 and all(x and x[0] > 0 for x in v.values())
    )
    assert set(found) == set(wanted)
    ranked = {"metrics_filter": "node_cpu_utilisation$", "sort_metric": "node_cpu_utilisation", "limit": "2"}
    (nodes,) = (await suite.values("/nodes", **ranked)).values()
    assert len(nodes) == 2
    assert nodes == sorted(nodes, reverse=True)
    query = {"metrics_filter": "pod_cpu_usage|pod_memory_usage_wo_cache$"}
    pods = await until(lambda: suite.values("/namespaces/shop/pods", **query), lambda v: all(v.values()))
    assert all(value > 0 for values in pods.values() for value in values)
    now = int(time.time())
    query = {"metrics_filter": "namespace_memory_usage$", "start": str(now - 60), "end": str(now), "step": "1s"}
    _, told = await suite.ask("admin", f"{MONITORING}/namespaces/shop", params=query)
    assert len(told["results"][0]["data"]["result"][0]["values"]) >= 2
    _, told = await suite.ask("admin", PROMETHEUS + "/query", params={"query": "count by (job) (up == 1)"})
    jobs = {row["metric"]["job"]: int(row["value"][1]) for row in told["data"]["result"]}
    assert jobs.keys() >= {"kubelet", "node-exporter", "kube-state-metrics", "orrery"}
    assert jobs["orrery"] == 4
    await who_reads_what(suite)
    await nobody_reads_beyond(suite)
    await who_pushes(suite)


EVERYBODY = ("nobody", "olga", "nora", "wendy", "admin", "vera")
OPEN_TO: dict[str, tuple[str, ...]] = {
    "/cluster": EVERYBODY[1:],
    "/nodes": EVERYBODY[1:],
    "/nodes/node-1": EVERYBODY[1:],
    "/nodes/node-1/pods": ("admin", "vera"),
    "/pods": ("admin", "vera"),
    "/namespaces": ("admin", "vera"),
    "/workspaces": ("admin", "vera"),
    "/components/apiserver": ("admin", "vera"),
    "/targets/query?expr=up": ("admin", "vera"),
    "/targets/labelsets?metric=up&start=1&end=2": ("admin", "vera"),
    "/workspaces/red": ("nora", "wendy", "admin", "vera"),
    "/workspaces/red/namespaces": ("nora", "wendy", "admin", "vera"),
    "/workspaces/blue": ("admin", "vera"),
    "/workspaces/blue/namespaces": ("admin", "vera"),
    "/namespaces/shop": ("nora", "wendy", "admin", "vera"),
    "/namespaces/shop/pods": ("nora", "wendy", "admin", "vera"),
    "/namespaces/shop/workloads": ("nora", "wendy", "admin", "vera"),
    "/namespaces/shop/targets/query?expr=up": ("nora", "wendy", "admin", "vera"),
    "/namespaces/lab": ("admin", "vera"),
    "/namespaces/lab/pods": ("admin", "vera"),
    "/namespaces/lab/targets/query?expr=up": ("admin", "vera"),
    "/namespaces/lab/targets/labelsets?metric=up&start=1&end=2": ("admin", "vera"),
}
"""Who is answered with 200; others with 403. What the cluster and its nodes add up to is for all who are signed in."""


async def who_reads_what(suite: Suite) -> None:
    """Route by route, role by role."""
    found = {
        path: tuple([who for who in EVERYBODY if (await suite.ask(who, MONITORING + path))[0] == 200])
        for path in OPEN_TO
    }
    assert found == {path: tuple(sorted(whom, key=EVERYBODY.index)) for path, whom in OPEN_TO.items()}
    for path in ("/query?query=up", "/query_range?query=up&start=1&end=2&step=1", "/series?match[]=up", "/labels"):
        statuses = {who: (await suite.ask(who, PROMETHEUS + path))[0] for who in EVERYBODY}
        assert statuses == {**dict.fromkeys(EVERYBODY, 403), "admin": 200, "vera": 200}, path
    for path in ("query", "query_range", "parse"):
        assert (await suite.ask("admin", f"/internal/monitoring/v1/{path}", "POST", json={}))[0] == 404


async def nobody_reads_beyond(suite: Suite) -> None:
    """Nora sees shop: whatever she writes into filters, expressions and paths, nothing of lab is told to her."""
    hostile = ("lab", ".*", 'lab"} or {namespace="lab', 'x"}) or ({namespace="lab"', "lab-web.*|", "../lab")
    told = []
    for text in hostile:
        for path in ("pods", "workloads", "workloads/deployment", "persistentvolumeclaims"):
            query = {"resources_filter": text, "namespaced_resources_filter": "lab/" + text}
            told.append(await suite.ask("nora", f"{MONITORING}/namespaces/shop/{path}", params=query))
    for text in (
        'kube_pod_info{namespace="lab"}',
        '{namespace=~".+"}',
        'count by (namespace, pod) ({__name__=~"kube_pod_.*"})',
        'kube_pod_info or kube_pod_info{namespace!="shop"}',
        'label_replace(kube_pod_info{namespace="lab"}, "namespace", "shop", "", "")',
        "max_over_time(kube_pod_info[5m]) or last_over_time(kube_pod_info[5m:1s])",
    ):
        query = {"expr": text}
        told += [await suite.ask("nora", f"{MONITORING}/namespaces/shop/targets/query", params=query)]
    now = str(int(time.time()))
    query = {"metric": '{namespace="lab"}', "start": "1", "end": now}
    told.append(await suite.ask("nora", f"{MONITORING}/namespaces/shop/targets/labelsets", params=query))
    assert {status for status, _ in told} == {200}
    said = json.dumps(told)
    assert "shop-web" in said
    assert "lab-web" not in said
    assert '"namespace": "lab"' not in said
    for path in ("/namespaces/shop/../lab/pods", "/namespaces/shop%2f..%2flab/pods", "/namespaces/.*/pods"):
        assert (await suite.ask("nora", MONITORING + path))[0] in (400, 403, 404)
    for path in ("/namespaces/lab/pods?workspace=red", "/namespaces/lab/pods/shop-web", "/namespaces//lab/pods"):
        assert (await suite.ask("nora", MONITORING + path))[0] in (400, 403, 404)


async def who_pushes(suite: Suite) -> None:
    """Samples of others' clusters come from administrators alone, and are told at once."""
    body = snappy(request([({"__name__": "pushed"}, [(int(time.time() * 1000), 42.0)])]))
    for who in EVERYBODY:
        expected = {"admin": 204, "vera": 204}.get(who, 403)
        status, _ = await suite.ask(who, PROMETHEUS + "/write", "POST", data=body)
        assert status == expected, who
    _, told = await suite.ask("admin", PROMETHEUS + "/query", params={"query": "pushed"})
    assert [row["value"][1] for row in told["data"]["result"]] == ["42"]
