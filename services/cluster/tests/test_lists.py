"""Lists of the cluster's objects in both dialects, and what is worked out for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.cluster.domain.resource import KNOWN
from services.cluster.tests.served import LISTS, OLDER, Asked, served
from services.cluster.tests.stage import NAMESPACES, ROLES, World, namespace

HERE = LISTS + "/namespaces/p1"
CORE, APPS = "/api/v1/namespaces/p1", "/apis/apps/v1/namespaces/p1"


def deployment(name: str, replicas: int, tier: str = "front") -> dict[str, Any]:
    """A Deployment of one container."""
    labels = {"app": name}
    container = {"name": "main", "image": "nginx:1.27"}
    return {
        "metadata": {"name": name, "labels": {"tier": tier}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def pod(name: str, *, node: str = "n1", claim: str = "") -> dict[str, Any]:
    """A Pod that asks for half a core."""
    wants = {"requests": {"cpu": "500m", "memory": "64Mi"}, "limits": {"cpu": "1"}}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return {
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "nginx:1.27", "resources": wants}],
            "volumes": volumes,
        },
    }


@pytest.fixture
async def ask(world: World) -> AsyncIterator[Asked]:
    """The service, following a cluster with a project p1."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened("follow", "observe") as stage, served(stage) as asked:
        await stage.until(lambda: all(stage.parts.shelf.stands(one.plural) for one in KNOWN if one.kept))
        yield asked


async def seen(ask: Asked, plural: str, count: int) -> None:
    """Wait until this process has heard of so many."""
    await ask.stage.until(lambda: ask.stage.parts.shelf.count(plural) == count)


async def test_workloads_are_narrowed_sorted_and_paged(ask: Asked) -> None:
    """Names, labels, status, order and pages; a filter that nobody knows lists nothing."""
    kube = ask.stage.kube
    for name, replicas, tier in (("web", 2, "front"), ("api", 1, "back"), ("idle", 0, "front")):
        made = await kube.create(APPS + "/deployments", deployment(name, replicas, tier))
        if name == "web":
            path = f"{APPS}/deployments/web/status"
            await kube.replace(path, {**made, "status": {"replicas": 2, "readyReplicas": 2}})
    await seen(ask, "deployments", 3)
    await ask.stage.until(lambda: ask.stage.parts.shelf.all("deployments")[0].get("status", {}).get("readyReplicas"))
    listed = HERE + "/deployments?sortBy=name&ascending=true"
    assert (await ask("GET", listed)).names == ["api", "idle", "web"]
    assert (await ask("GET", listed + "&limit=2&page=2")).names == ["web"]
    assert (await ask("GET", listed + "&limit=2&page=2")).json["totalItems"] == 3
    assert (await ask("GET", listed + "&limit=2&page=9")).json == {"items": [], "totalItems": 3}
    assert (await ask("GET", listed + "&labelSelector=tier%3Dfront")).names == ["idle", "web"]
    assert (await ask("GET", listed + "&labelSelector=%3D%3D%3D")).json["totalItems"] == 3
    assert (await ask("GET", listed + "&name=e")).names == ["idle", "web"]
    assert (await ask("GET", HERE + "/deployments?status=running")).names == ["web"]
    assert (await ask("GET", HERE + "/deployments?status=stopped")).names == ["idle"]
    assert (await ask("GET", HERE + "/deployments?status=updating")).names == ["api"]
    assert (await ask("GET", HERE + "/deployments?colour=red")).json == {"items": [], "totalItems": 0}
    assert (await ask("GET", LISTS + "/deployments?limit=0")).json == {"items": [], "totalItems": 3}
    one = (await ask("GET", HERE + "/deployments/web")).json
    assert (one["spec"]["replicas"], one["kind"]) == (2, "Deployment")
    assert "managedFields" not in one["metadata"]


async def test_pods_are_found_by_what_they_belong_to(ask: Asked) -> None:
    """By node, claim, service, phase and the status that kubectl would print."""
    kube = ask.stage.kube
    await kube.create(
        CORE + "/services", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    )
    made = await kube.create(CORE + "/pods", pod("one", claim="data"))
    await kube.create(CORE + "/pods", pod("two", node="n2"))
    running = [
        {"name": "main", "ready": True, "state": {"running": {}}, "image": "nginx", "imageID": "", "restartCount": 0}
    ]
    await kube.replace(
        f"{CORE}/pods/one/status", {**made, "status": {"phase": "Running", "containerStatuses": running}}
    )
    await seen(ask, "pods", 2)
    await seen(ask, "services", 1)
    await ask.stage.until(lambda: "Running" in str([one.get("status") for one in ask.stage.parts.shelf.all("pods")]))
    assert (await ask("GET", HERE + "/pods?nodeName=n2")).names == ["two"]
    assert (await ask("GET", HERE + "/pods?pvcName=data")).names == ["one"]
    assert (await ask("GET", HERE + "/pods?status=Running")).names == ["one"]
    assert (await ask("GET", HERE + "/pods?phase=Pending")).names == ["two"]
    assert (await ask("GET", HERE + "/pods?serviceName=web")).json["totalItems"] == 2
    assert (await ask("GET", HERE + "/pods?serviceName=none")).json["totalItems"] == 0


async def test_secrets_and_configmaps_come_from_the_cluster(ask: Asked) -> None:
    """They are never held, and a list has what was written a moment ago; field selectors narrow it."""
    await ask.stage.kube.create(CORE + "/configmaps", {"metadata": {"name": "settings"}, "data": {"a": "1"}})
    secret = {"metadata": {"name": "pass"}, "type": "kubernetes.io/basic-auth", "stringData": {"username": "u"}}
    await ask.stage.kube.create(CORE + "/secrets", secret)
    assert (await ask("GET", HERE + "/configmaps?name=sett")).json["items"][0]["data"] == {"a": "1"}
    basic = "type%3Dkubernetes.io/basic-auth"
    assert (await ask("GET", HERE + f"/secrets?fieldSelector={basic}")).names == ["pass"]
    assert (await ask("GET", HERE + "/secrets?fieldSelector=type!%3Dkubernetes.io/basic-auth&name=pass")).names == []
    assert (await ask("GET", HERE + "/secrets/pass")).json["data"] == {"username": "dQ=="}
    assert ask.stage.parts.shelf.all("secrets") == []


async def test_claims_say_what_they_are_used_for(ask: Asked) -> None:
    """Whether a pod mounts it; no snapshot class of its driver, no snapshots; classes count their claims."""
    kube = ask.stage.kube
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
    for name in ("data", "spare"):
        about = {"name": name, "annotations": {"volume.kubernetes.io/storage-provisioner": "csi.example.com"}}
        await kube.create(CORE + "/persistentvolumeclaims", {"metadata": about, "spec": spec})
    await kube.create(
        "/apis/storage.k8s.io/v1/storageclasses", {"metadata": {"name": "fast"}, "provisioner": "csi.example.com"}
    )
    await kube.create(CORE + "/pods", pod("one", claim="data"))
    await seen(ask, "persistentvolumeclaims", 2)
    await seen(ask, "pods", 1)
    await seen(ask, "storageclasses", 1)
    found = (await ask("GET", HERE + "/persistentvolumeclaims?sortBy=name&ascending=true")).json["items"]
    said = [
        {key: one["metadata"]["annotations"][f"kubesphere.io/{key}"] for key in ("in-use", "allow-snapshot")}
        for one in found
    ]
    assert said == [{"in-use": "true", "allow-snapshot": "false"}, {"in-use": "false", "allow-snapshot": "false"}]
    assert (await ask("GET", HERE + "/persistentvolumeclaims?storageClassName=fast")).json["totalItems"] == 2
    classes = (await ask("GET", LISTS + "/storageclasses")).json["items"]
    assert classes[0]["metadata"]["annotations"]["kubesphere.io/pvc-count"] == "2"


async def test_nodes_say_what_their_pods_ask_for(ask: Asked) -> None:
    """Sums of requests and limits, and which part of the node that is."""
    status = {"allocatable": {"cpu": "2", "memory": "128Mi"}, "conditions": [{"type": "Ready", "status": "True"}]}
    made = await ask.stage.kube.create("/api/v1/nodes", {"metadata": {"name": "n1"}})
    await ask.stage.kube.replace("/api/v1/nodes/n1/status", {**made, "status": status})
    await ask.stage.kube.create(CORE + "/pods", pod("one"))
    await seen(ask, "pods", 1)
    await seen(ask, "nodes", 1)
    await ask.stage.until(lambda: ask.stage.parts.shelf.all("nodes")[0].get("status", {}).get("allocatable"))
    notes = (await ask("GET", LISTS + "/nodes?status=running")).json["items"][0]["metadata"]["annotations"]
    assert notes["node.kubesphere.io/cpu-requests"] == "500m"
    assert notes["node.kubesphere.io/cpu-requests-fraction"] == "25%"
    assert notes["node.kubesphere.io/memory-requests-fraction"] == "50%"
    assert (await ask("GET", LISTS + "/nodes/n1")).json["metadata"]["annotations"][
        "node.kubesphere.io/cpu-limits"
    ] == "1"


async def test_the_older_dialect(ask: Asked) -> None:
    """Oldest first, ten a page, conditions; an overview of quota and of what is not well, with real numbers alone."""
    for number in range(12):
        await ask.stage.kube.create(APPS + "/deployments", deployment(f"web-{number:02}", 1))
    hard = {"count/deployments.apps": "20"}
    made = await ask.stage.kube.create(CORE + "/resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    await ask.stage.kube.replace(
        CORE + "/resourcequotas/q/status",
        {**made, "status": {"hard": hard, "used": {"count/deployments.apps": "12"}}},
    )
    await seen(ask, "deployments", 12)
    here = OLDER + "/namespaces/p1"
    page = (await ask("GET", here + "/deployments?orderBy=name")).json
    assert (len(page["items"]), page["total_count"]) == (10, 12)
    assert (await ask("GET", here + "/deployments?conditions=name~web-1&orderBy=name")).json["total_count"] == 2
    found = (await ask("GET", here + "/quotas")).json
    assert found["data"]["hard"] == {"count/deployments.apps": "20"}
    assert found["data"]["left"] == {"count/deployments.apps": "8"}
    assert found["data"]["used"]["count/pods"] == "0"
    assert "count/s2ibuilders.devops.kubesphere.io" not in found["data"]["used"], "the cluster has no such kind"
    assert (await ask("GET", here + "/abnormalworkloads")).json["data"]["deployments"] == 12
    assert (await ask("GET", OLDER + "/abnormalworkloads")).json["data"]["deployments"] == 12


MISSES = (
    (HERE + "/unicorns", 404, "resource is not supported\n"),
    (HERE + "/nodes", 404, "resource is not supported\n"),
    (HERE + "/replicasets", 404, "resource is not supported\n"),
    (HERE + "/deployments/none-such", 500, 'deployment.apps "none-such" not found\n'),
    (HERE + "/cronjobs/none-such", 404, 'cronjob.batch "none-such" not found\n'),
    (LISTS + "/pods/none-such", 500, 'pod "none-such" not found\n'),
    (OLDER + "/namespaces/p1/unicorns", 500, "resource is not supported\n"),
    (OLDER + "/namespaces/p1/deployments?conditions=%20x%20%3D1", 400, "invalid conditions\n"),
    (OLDER + "/namespaces/p1/deployments/web/revisions/9", 500, '{"message":"revision not found web#9"}'),
)


async def test_what_is_not_there(ask: Asked) -> None:
    """Each kind of miss is answered as the original does, so that the console shows what it always has."""
    for path, status, text in MISSES:
        answer = await ask("GET", path)
        assert (answer.status, answer.text) == (status, text)


async def test_a_kind_that_is_too_large_is_read_from_the_cluster(world: World) -> None:
    """Memory is bounded: what does not fit is listed all the same, from the cluster; facts are held in any case."""
    await world.kube.create(NAMESPACES, namespace())
    for number in range(30):
        notes = {"note": "x" * 20_000}
        await world.kube.create(
            CORE + "/services",
            {"metadata": {"name": f"s{number}", "annotations": notes}, "spec": {"ports": [{"port": 80}]}},
        )
    async with world.opened("follow", "observe", held_mib=1) as stage, served(stage) as ask:
        await stage.until(lambda: stage.parts.shelf.given_up("services"))
        await stage.until_told("ProjectObserved projects/p1")
        assert (await ask("GET", HERE + "/services?limit=5")).json["totalItems"] == 30
        assert stage.parts.shelf.size < 1 << 20


async def test_a_change_is_waited_for(ask: Asked) -> None:
    """Whoever wrote to the cluster is told when lists know of it, also of what is gone; what is not followed is not
    waited for.
    """
    route = "/internal/cluster/v1/seen"
    web = {"group": "apps", "resource": "deployments", "namespace": "p1", "name": "web"}
    for number in range(5):
        await ask.stage.kube.create(APPS + "/deployments", deployment("web", number))
        assert (await ask.gateway("POST", route, web)).json == {"seen": True}
        assert (await ask("GET", HERE + "/deployments?name=web")).names == ["web"]
        await ask.stage.kube.delete(APPS + "/deployments/web", {"propagationPolicy": "Background"})
        assert (await ask.gateway("POST", route, web)).json == {"seen": True}
        assert (await ask("GET", HERE + "/deployments?name=web")).names == []
    assert (await ask("POST", route, web)).status == 403, "it is for services alone"
    for other in ({"resource": "secrets", "name": "x"}, {"resource": "services", "group": "serving", "name": "x"}):
        assert (await ask.gateway("POST", route, other)).json == {"seen": True}
    role = {"metadata": {"name": "dev"}, "rules": []}
    await ask.stage.kube.create(ROLES, role)
    body = {"resource": "roles", "group": "rbac.authorization.k8s.io", "namespace": "p1", "name": "dev"}
    assert "ProjectRoleObserved=" in (await ask.gateway("POST", route, body)).told


async def test_the_index_for_the_gateway(ask: Asked) -> None:
    """Facts as lines, each an event; the last says how many there were. Clients have no business there."""
    await ask.stage.until_told("ProjectObserved projects/p1")
    answer = await ask.gateway("GET", "/internal/cluster/v1/index")
    lines = answer.text.splitlines()
    assert '"type":"orrery.cluster.v1.ProjectObserved"' in answer.text
    assert lines[-1] == f'{{"end":true,"count":{len(lines) - 1}}}'
    assert (await ask("GET", "/internal/cluster/v1/index")).status == 403
