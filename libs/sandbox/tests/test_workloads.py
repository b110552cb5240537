"""Deployments, StatefulSets and DaemonSets from wish to running pods."""

import pytest

from libs.sandbox.controllers.meta import condition_of
from libs.sandbox.tests.stage import staged, workload


@pytest.fixture
async def stage(tmp_path):
    async with staged(tmp_path) as found:
        yield found
        assert found.log.lines == []


def image_of(pod):
    return pod["spec"]["containers"][0]["image"]


async def test_a_deployment_comes_up_within_two_seconds(stage):
    """ReplicaSet, pods over three nodes, and the status that Helm and kubectl wait for."""
    stage.make("deployments.apps", workload("Deployment", "web", 3))
    await stage.passes(2)
    found = stage.get("deployments.apps", "web")
    assert {pod["spec"]["nodeName"] for pod in stage.running(app="web")} == {"node-1", "node-2", "node-3"}
    status = found["status"]
    assert status["observedGeneration"] == found["metadata"]["generation"] == 1
    assert [status[k] for k in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")] == [3] * 4
    assert "unavailableReplicas" not in status
    assert condition_of(found, "Available")["status"] == "True"
    assert condition_of(found, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert {"Scheduled", "Pulled", "Created", "Started"} <= stage.reasons(stage.pods()[0]["metadata"]["name"])
    assert "ScalingReplicaSet" in stage.reasons("web")


async def test_an_update_never_leaves_too_few(stage):
    """While a new image rolls out, three quarters serve at any time, and no more than a quarter too many exist."""
    stage.make("deployments.apps", workload("Deployment", "web", 8))
    await stage.passes(3)
    stage.edit(
        "deployments.apps",
        "web",
        lambda body: body["spec"]["template"]["spec"]["containers"][0].update(image="nginx:2"),
    )
    for _ in range(40):
        await stage.passes(0.5)
        assert len(stage.running(app="web")) >= 6
        alive = [pod for pod in stage.pods(app="web") if "deletionTimestamp" not in pod["metadata"]]
        assert len(alive) <= 10
    assert {image_of(pod) for pod in stage.pods(app="web")} == {"nginx:2"}
    found = stage.get("deployments.apps", "web")
    assert found["status"]["updatedReplicas"] == found["status"]["replicas"] == 8
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert sorted(rs["spec"]["replicas"] for rs in stage.objects.list("replicasets.apps", "shop")) == [0, 8]


async def test_going_back_takes_the_old_replica_set_up_again(stage):
    """The template of before: its ReplicaSet serves once more, with the next revision."""
    stage.make("deployments.apps", workload("Deployment", "web", 2))
    await stage.passes(2)
    first = stage.names("replicasets.apps")
    for image in ("nginx:2", "nginx:1.27"):
        stage.edit(
            "deployments.apps", "web", lambda b, i=image: b["spec"]["template"]["spec"]["containers"][0].update(image=i)
        )
        await stage.passes(6)
    assert len(stage.names("replicasets.apps")) == 2
    back = stage.get("replicasets.apps", first[0])
    assert back["spec"]["replicas"] == 2
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_history_is_limited(stage):
    """Old ReplicaSets beyond the limit are deleted once they are done with."""
    stage.make("deployments.apps", workload("Deployment", "web", 1, revisionHistoryLimit=1))
    for image in ("a", "b", "c", "d"):
        stage.edit(
            "deployments.apps", "web", lambda b, i=image: b["spec"]["template"]["spec"]["containers"][0].update(image=i)
        )
        await stage.passes(5)
    assert len(stage.names("replicasets.apps")) == 2


async def test_recreate_ends_everything_first(stage):
    """With that strategy two versions never run side by side."""
    stage.make("deployments.apps", workload("Deployment", "web", 3, strategy={"type": "Recreate"}))
    await stage.passes(2)
    stage.edit(
        "deployments.apps", "web", lambda b: b["spec"]["template"]["spec"]["containers"][0].update(image="nginx:2")
    )
    for _ in range(12):
        await stage.passes(0.5)
        assert len({image_of(pod) for pod in stage.pods(app="web")}) <= 1
    assert [image_of(pod) for pod in stage.running(app="web")] == ["nginx:2"] * 3


async def test_a_rollout_that_stands_still_fails(stage):
    """Pods that never get ready: ProgressDeadlineExceeded after the deadline; the old ones go on serving."""
    stage.make("deployments.apps", workload("Deployment", "web", 4, progressDeadlineSeconds=20))
    await stage.passes(2)

    def hang(body):
        body["spec"]["template"]["metadata"]["annotations"] = {"sandbox.orrery.io/hang": "true"}

    stage.edit("deployments.apps", "web", hang)
    await stage.passes(15)
    assert condition_of(stage.get("deployments.apps", "web"), "Progressing")["status"] == "True"
    await stage.passes(15)
    found = stage.get("deployments.apps", "web")
    assert condition_of(found, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition_of(found, "Available")["status"] == "True"
    assert len(stage.running(app="web")) == 3


async def test_scaling_both_ways(stage):
    """More and fewer pods, without a new ReplicaSet."""
    stage.make("deployments.apps", workload("Deployment", "web", 1))
    await stage.passes(2)
    for replicas in (5, 2, 0):
        stage.edit("deployments.apps", "web", lambda body, n=replicas: body["spec"].update(replicas=n))
        await stage.passes(3)
        assert len(stage.pods(app="web")) == replicas
    assert len(stage.names("replicasets.apps")) == 1
    assert stage.get("deployments.apps", "web")["status"]["observedGeneration"] == 4


async def test_a_deleted_pod_is_replaced(stage):
    """Somebody deletes a pod: another one comes."""
    stage.make("deployments.apps", workload("Deployment", "web", 2))
    await stage.passes(2)
    name = stage.pods(app="web")[0]["metadata"]["name"]
    stage.objects.delete("pods", name, "shop")
    await stage.passes(3)
    assert len(stage.running(app="web")) == 2
    assert name not in stage.names("pods")
    assert "Killing" in stage.reasons(name)


CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}},
}
LOCAL = {
    "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "sandbox.orrery.io/local",
    "reclaimPolicy": "Delete",
}


async def test_a_stateful_set_comes_up_in_order_with_its_claims(stage):
    """Each pod after the one before is ready; claims bound to volumes of the default class; counted."""
    stage.make("storageclasses.storage.k8s.io", LOCAL, "")
    body = workload("StatefulSet", "db", 3, "postgres:16", serviceName="db", volumeClaimTemplates=[CLAIM])
    stage.make("statefulsets.apps", body)
    seen = []
    for _ in range(12):
        await stage.passes(0.5)
        seen.append((len(stage.pods(app="db")), len(stage.running(app="db"))))
    assert all(there - running <= 1 for there, running in seen)
    assert [pod["metadata"]["name"] for pod in stage.running(app="db")] == ["db-0", "db-1", "db-2"]
    claim = stage.get("persistentvolumeclaims", "data-db-1")
    assert claim["status"]["phase"] == "Bound"
    assert claim["status"]["capacity"] == {"storage": "2Gi"}
    volume = stage.get("persistentvolumes", claim["spec"]["volumeName"], "")
    assert volume["spec"]["claimRef"]["name"] == "data-db-1"
    status = stage.get("statefulsets.apps", "db")["status"]
    assert status["currentRevision"] == status["updateRevision"] != ""
    assert [status[k] for k in ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas")] == [3] * 4


async def test_a_stateful_set_updates_from_the_last(stage):
    """One at a time, highest first, down to the partition; scaling down leaves claims."""
    stage.make("storageclasses.storage.k8s.io", LOCAL, "")
    stage.make("statefulsets.apps", workload("StatefulSet", "db", 3, "a", volumeClaimTemplates=[CLAIM]))
    await stage.passes(6)

    def change(body):
        body["spec"]["template"]["spec"]["containers"][0]["image"] = "b"
        body["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}

    stage.edit("statefulsets.apps", "db", change)
    for _ in range(20):
        await stage.passes(0.5)
        assert len(stage.running(app="db")) >= 2
    assert {pod["metadata"]["name"]: image_of(pod) for pod in stage.running(app="db")} == {
        "db-0": "a",
        "db-1": "b",
        "db-2": "b",
    }
    status = stage.get("statefulsets.apps", "db")["status"]
    assert (status["updatedReplicas"], status["currentReplicas"]) == (2, 1)
    stage.edit("statefulsets.apps", "db", lambda body: body["spec"].update(replicas=1))
    await stage.passes(4)
    assert stage.names("pods") == ["db-0"]
    assert len(stage.names("persistentvolumeclaims")) == 3


async def test_a_daemon_set_is_on_every_node(stage):
    """One pod a node, replaced one by one; a taint that lets nothing new on leaves it, one that drives out ends it."""
    stage.make("daemonsets.apps", workload("DaemonSet", "agent"))
    await stage.passes(2)
    assert sorted(pod["spec"]["nodeName"] for pod in stage.running(app="agent")) == ["node-1", "node-2", "node-3"]
    stage.edit("daemonsets.apps", "agent", lambda b: b["spec"]["template"]["spec"]["containers"][0].update(image="b"))
    for _ in range(16):
        await stage.passes(0.5)
        assert len(stage.running(app="agent")) >= 2
    assert {image_of(pod) for pod in stage.running(app="agent")} == {"b"}
    status = stage.get("daemonsets.apps", "agent")["status"]
    assert status["updatedNumberScheduled"] == status["numberReady"] == status["desiredNumberScheduled"] == 3
    assert status["observedGeneration"] == 2
    for effect, left in (("NoSchedule", 3), ("NoExecute", 2)):
        taint = {"key": "dedicated", "value": "x", "effect": effect}
        stage.edit("nodes", "node-2", lambda body, t=taint: body["spec"].update(taints=[t]), "")
        await stage.passes(2)
        assert len(stage.running(app="agent")) == left
