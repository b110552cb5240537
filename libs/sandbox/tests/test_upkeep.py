"""Namespaces, owners and dependents, Services, events: what is kept in order by itself."""

import pytest

from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.lifecycle import Deletion
from libs.sandbox.tests.stage import staged, workload


@pytest.fixture
async def stage(tmp_path):
    async with staged(tmp_path) as found:
        yield found
        assert found.log.lines == []


async def test_a_namespace_is_furnished(stage):
    """Active, labelled, with the default account and the cluster's certificate; one removed comes back."""
    found = stage.objects.get("namespaces", "shop")
    assert found["status"] == {"phase": "Active"}
    assert found["metadata"]["labels"]["kubernetes.io/metadata.name"] == "shop"
    assert stage.names("serviceaccounts") == ["default"]
    assert stage.names("configmaps") == ["kube-root-ca.crt"]
    stage.objects.delete("serviceaccounts", "default", "shop")
    await stage.passes(0.5)
    assert stage.names("serviceaccounts") == ["default"]


async def test_a_deleted_namespace_is_emptied_and_goes(stage):
    """Workloads, pods with their grace, secrets, events: all gone, then the namespace itself."""
    stage.make("deployments.apps", workload("Deployment", "web", 3))
    stage.make("secrets", {"metadata": {"name": "s"}})
    stage.make("configmaps", {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
    await stage.passes(2)
    stage.objects.delete("namespaces", "shop")
    await stage.passes(5)
    assert stage.objects.get("namespaces", "shop")["status"]["phase"] == "Terminating"
    assert stage.names("pods") == []
    stage.edit("configmaps", "held", lambda body: body["metadata"].update(finalizers=[]))
    await stage.passes(3)
    assert stage.objects.find("namespaces", "shop") is None
    assert [
        r.id for r in stage.objects.catalogue if r.stored and r.namespaced and stage.objects.list(r.id, "shop")
    ] == []


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_what_hangs_on_a_deployment_goes_with_it(stage, policy):
    """ReplicaSets and pods; in the foreground before it, in the background after."""
    stage.make("deployments.apps", workload("Deployment", "web", 2))
    await stage.passes(2)
    stage.objects.delete("deployments.apps", "web", "shop", wish=Deletion(policy))
    assert (stage.objects.find("deployments.apps", "web", "shop") is not None) == (policy == "Foreground")
    await stage.passes(3)
    for resource in ("deployments.apps", "replicasets.apps", "pods"):
        assert stage.names(resource) == []


async def test_orphans_stay_and_are_adopted(stage):
    """Deleted without what hangs on it: the ReplicaSet and its pods go on, and belong to nobody above them."""
    stage.make("deployments.apps", workload("Deployment", "web", 2))
    await stage.passes(2)
    stage.objects.delete("deployments.apps", "web", "shop", wish=Deletion("Orphan"))
    await stage.passes(2)
    (left,) = stage.objects.list("replicasets.apps", "shop")
    assert "ownerReferences" not in left["metadata"]
    assert len(stage.running(app="web")) == 2


async def test_an_owner_that_never_was(stage):
    """An object that names an owner which isn't there (or one of another uid) is collected; one with another owner left
    loses only the reference.
    """
    standing = stage.make("configmaps", {"metadata": {"name": "owner"}})
    gone = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "another"}
    there = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": standing["metadata"]["uid"]}
    stage.make("secrets", {"metadata": {"name": "lost", "ownerReferences": [gone]}})
    stage.make("secrets", {"metadata": {"name": "kept", "ownerReferences": [gone, there]}})
    await stage.passes(0.5)
    assert stage.names("secrets") == ["kept"]
    assert stage.get("secrets", "kept")["metadata"]["ownerReferences"] == [there]


SERVICE = {
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}


async def test_endpoints_follow_the_pods(stage):
    """Ready pods are addresses, in both forms; they leave as they end; a Service that goes takes them along."""
    stage.make("services", SERVICE)
    stage.make("deployments.apps", workload("Deployment", "web", 2))
    await stage.passes(2)
    subset = stage.get("endpoints", "web")["subsets"][0]
    assert sorted(address["ip"] for address in subset["addresses"]) == sorted(
        p["status"]["podIP"] for p in stage.pods()
    )
    assert subset["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    (found,) = stage.objects.list("endpointslices.discovery.k8s.io", "shop")
    assert [entry["conditions"]["ready"] for entry in found["endpoints"]] == [True, True]
    stage.edit("deployments.apps", "web", lambda body: body["spec"].update(replicas=0))
    await stage.passes(2)
    assert stage.get("endpoints", "web")["subsets"] == []
    stage.objects.delete("services", "web", "shop")
    await stage.passes(1)
    assert stage.names("endpoints") == stage.names("endpointslices.discovery.k8s.io") == []


async def test_events_are_counted_and_forgotten(stage):
    """The same thing again is one event with a count; an hour later it is gone."""
    about = stage.make("configmaps", {"metadata": {"name": "x"}})
    recorder = Recorder(stage.objects, "tester")
    for _ in range(3):
        recorder.note(about, "Happened", "it happened")
    (event,) = stage.objects.list("events", "shop")
    assert (event["count"], event["type"], event["involvedObject"]["kind"]) == (3, "Normal", "ConfigMap")
    await stage.clock.advance(4200)
    await stage.passes(1)
    assert stage.objects.list("events", "shop") == []


async def test_a_misshapen_object_stops_nobody(stage):
    """A Deployment whose replicas are a word is told to the operator; others roll out."""
    stage.make("deployments.apps", {**workload("Deployment", "odd"), "spec": {"replicas": "many", "selector": 7}})
    stage.make("pods", {"metadata": {"name": "odd"}, "spec": {"nodeName": "node-1", "containers": [{"image": 3}]}})
    stage.make("deployments.apps", workload("Deployment", "web", 1))
    await stage.passes(2)
    assert len(stage.running(app="web")) == 1
    assert {about["controller"] for _, about in stage.log.lines} == {"deployment", "kubelet"}
    stage.log.lines.clear()
