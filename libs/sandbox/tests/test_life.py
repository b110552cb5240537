"""Pods: where they are placed, how they run, crash, hang and end."""

import pytest

from libs.sandbox.nodes.life import backoff
from libs.sandbox.tests.stage import ready, staged, template


@pytest.fixture
async def stage(tmp_path):
    async with staged(tmp_path) as found:
        yield found
        assert found.log.lines == []


def pod(name="p", annotations=None, **spec):
    shape = template({"app": "p"}, annotations=annotations, **spec)
    return {"metadata": {**shape["metadata"], "name": name}, "spec": shape["spec"]}


def container(found):
    return found["status"]["containerStatuses"][0]


async def test_pending_creating_running(stage):
    """A pod is seen waiting for its container, then runs with an address and is ready, within a second or so."""
    stage.make("pods", pod())
    await stage.clock.advance(0.05)
    found = stage.get("pods", "p")
    assert (found["status"]["phase"], found["spec"]["nodeName"]) == ("Pending", "node-1")
    assert container(found)["state"] == {"waiting": {"reason": "ContainerCreating"}}
    await stage.passes(1)
    found = stage.get("pods", "p")
    assert found["status"]["phase"] == "Running"
    assert ready(found)
    assert found["status"]["podIP"].startswith("10.244.1.")
    assert (container(found)["ready"], container(found)["restartCount"]) == (True, 0)


async def test_addresses_differ(stage):
    """Forty pods, forty addresses, spread over the nodes."""
    for number in range(40):
        stage.make("pods", pod(f"p{number}"))
    await stage.passes(2)
    pods = stage.running()
    assert len({found["status"]["podIP"] for found in pods}) == 40
    assert {sum(found["spec"]["nodeName"] == f"node-{i}" for found in pods) for i in (1, 2, 3)} <= {13, 14}


async def test_a_crashing_container_backs_off(stage):
    """It is started at once the first time, then after 10 s, 20 s, …; the last end and the count are told."""
    stage.make("pods", pod(annotations={"sandbox.orrery.io/crash": "5"}))
    await stage.passes(12)
    found = stage.get("pods", "p")
    assert container(found)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container(found)["lastState"]["terminated"]["exitCode"] == 1
    assert (container(found)["restartCount"], ready(found)) == (1, False)
    assert found["status"]["phase"] == "Running"
    await stage.passes(12)
    assert container(stage.get("pods", "p"))["restartCount"] == 2
    await stage.passes(120)
    assert container(stage.get("pods", "p"))["restartCount"] == 4
    assert "BackOff" in stage.reasons("p")


def test_the_wait_is_bounded():
    """No longer than five minutes, however often it crashed."""
    assert [backoff(n) for n in (0, 1, 2, 6, 10_000)] == [0, 10, 20, 300, 300]


async def test_told_to_crash_while_it_runs(stage):
    """The annotation may come later: then it crashes soon, once, and not as often as it might have."""
    stage.make("pods", pod())
    await stage.passes(300)
    stage.edit("pods", "p", lambda body: body["metadata"].update(annotations={"sandbox.orrery.io/crash": "30"}))
    await stage.passes(1)
    found = container(stage.get("pods", "p"))
    assert found["restartCount"] == 1
    assert found["lastState"]["terminated"]["finishedAt"] == "2026-01-01T00:05:00Z"


async def test_a_hanging_container(stage):
    """After so many seconds it is no longer ready, though it runs; deleted, it takes all the grace it has."""
    stage.make("pods", pod(annotations={"sandbox.orrery.io/hang": "10"}, terminationGracePeriodSeconds=20))
    await stage.passes(5)
    assert ready(stage.get("pods", "p"))
    await stage.passes(10)
    found = stage.get("pods", "p")
    assert not ready(found)
    assert "running" in container(found)["state"]
    assert "Unhealthy" in stage.reasons("p")
    stage.objects.delete("pods", "p", "shop")
    await stage.passes(15)
    assert stage.names("pods") == ["p"]
    await stage.passes(10)
    assert stage.names("pods") == []


async def test_init_containers_come_first(stage):
    """One after the other, then the rest."""
    stage.make("pods", pod(initContainers=[{"name": "one", "image": "a"}, {"name": "two", "image": "b"}]))
    await stage.clock.advance(0.05)
    assert container(stage.get("pods", "p"))["state"]["waiting"]["reason"] == "PodInitializing"
    await stage.passes(3)
    found = stage.get("pods", "p")
    assert ready(found)
    assert [s["state"]["terminated"]["exitCode"] for s in found["status"]["initContainerStatuses"]] == [0, 0]


async def test_readiness_waits_for_its_probe(stage):
    """`initialDelaySeconds` of the readiness probe is kept."""
    stage.make("pods", pod(container={"readinessProbe": {"initialDelaySeconds": 8}}))
    await stage.passes(5)
    assert not ready(stage.get("pods", "p"))
    await stage.passes(6)
    assert ready(stage.get("pods", "p"))


async def test_a_pod_that_fits_nowhere_waits_for_room(stage):
    """Unschedulable with a reason; when another pod leaves, it is placed."""
    large = {"resources": {"requests": {"cpu": "7"}}}
    for number in range(4):
        stage.make("pods", pod(f"p{number}", container=large))
    await stage.passes(2)
    assert len(stage.running()) == 3
    condition = stage.get("pods", "p3")["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
    assert condition["message"] == "0/3 nodes are available: 3 Insufficient cpu."
    assert "FailedScheduling" in stage.reasons("p3")
    stage.objects.delete("pods", "p0", "shop")
    await stage.passes(3)
    assert ready(stage.get("pods", "p3"))


async def test_node_selectors_and_cordons(stage):
    """A selector picks its node; a cordoned node gets nothing new."""
    stage.make("pods", pod("a", nodeSelector={"kubernetes.io/hostname": "node-3"}))
    stage.edit("nodes", "node-1", lambda body: body["spec"].update(unschedulable=True), "")
    for number in range(4):
        stage.make("pods", pod(f"b{number}"))
    await stage.passes(2)
    assert stage.get("pods", "a")["spec"]["nodeName"] == "node-3"
    assert {found["spec"]["nodeName"] for found in stage.running()} == {"node-2", "node-3"}


async def test_nodes_beat(stage):
    """Leases are renewed, conditions reported, and nothing else is written while nothing happens."""
    await stage.passes(60)
    before = stage.objects.revision
    await stage.clock.advance(600)
    await stage.passes(1)
    lease = stage.get("leases.coordination.k8s.io", "node-1", "kube-node-lease")
    assert lease["spec"]["renewTime"] >= "2026-01-01T00:10:40"
    assert stage.get("nodes", "node-1", "")["status"]["conditions"][3]["lastHeartbeatTime"] >= "2026-01-01T00:10:00Z"
    assert stage.objects.revision - before < 110
