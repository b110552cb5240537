"""DaemonSets: one pod on each node that it fits."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers import revisions
from libs.sandbox.controllers.fitting import suits
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    controller_of,
    done,
    ending,
    labels_of,
    name_of,
    owned,
    pod_of,
    ready,
    share,
    space_of,
)
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects

ID = "daemonsets.apps"


class DaemonSets:
    """Keeps each DaemonSet's pods on the nodes."""

    name = "daemonset"
    watches = (ID, "pods", "nodes")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "daemonset-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself, the one that controls a pod, and all when a node comes, goes or is marked otherwise."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        if change.resource == "nodes":
            return [(space_of(each), name_of(each)) for each in self._objects.list(ID)] if _moved(change) else ()
        owner = controller_of(body) or {}
        return ((space_of(body), owner["name"]),) if owner.get("kind") == "DaemonSet" else ()

    def reconcile(self, key: Key) -> float | None:
        """Make what is missing, end what doesn't belong, then replace old ones as far as may be away."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None or ending(wanted):
            return None
        digest = name_of(revisions.present(self._objects, wanted)).rsplit("-", 1)[-1]
        spec = wanted["spec"]["template"].get("spec") or {}
        nodes = [name_of(node) for node in self._objects.list("nodes") if suits(spec, node)]
        staying = {name_of(node) for node in self._objects.list("nodes") if suits(spec, node, effects=("NoExecute",))}
        pods = [pod for pod in self._pods(wanted) if not self._swept(wanted, pod, staying)]
        there = {pod["spec"].get("nodeName") for pod in pods}
        for node in nodes:
            if node not in there:
                self._make(wanted, node, digest)
        if there.issuperset(nodes):
            self._update(wanted, pods, digest)
        self._tell(wanted, nodes, digest)
        return None

    def _pods(self, wanted: Body) -> list[Body]:
        return owned(self._objects.list("pods", space_of(wanted)), wanted)

    def _swept(self, wanted: Body, pod: Body, nodes: Container[str]) -> bool:
        """Whether it was ended: it is done, or on a node where it shouldn't be."""
        if ending(pod) or not (done(pod) or pod["spec"].get("nodeName") not in nodes):
            return False
        self._end(wanted, pod)
        return True

    def _make(self, wanted: Body, node: str, digest: str) -> None:
        pod = pod_of(wanted["spec"]["template"], wanted, labels={revisions.LABEL: digest})
        pod["spec"]["nodeName"] = node
        made = self._objects.create("pods", pod, space_of(wanted))
        self._events.note(wanted, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    def _end(self, wanted: Body, pod: Body) -> None:
        self._objects.delete("pods", name_of(pod), space_of(pod))
        self._events.note(wanted, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _update(self, wanted: Body, pods: list[Body], digest: str) -> None:
        strategy: dict[str, Any] = wanted["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
        room = share(most, len(pods), up=True) - sum(not ready(pod) or ending(pod) for pod in pods)
        old = [pod for pod in pods if labels_of(pod).get(revisions.LABEL) != digest and not ending(pod)]
        broken = [pod for pod in old if not ready(pod)]
        serving = [pod for pod in old if ready(pod)]
        for pod in broken + serving[: max(0, room)]:
            self._end(wanted, pod)

    def _tell(self, wanted: Body, nodes: list[str], digest: str) -> None:
        pods = [pod for pod in self._pods(wanted) if not done(pod) and not ending(pod)]
        right = [pod for pod in pods if pod["spec"].get("nodeName") in nodes]
        serving = sum(map(ready, right))
        status = {
            "currentNumberScheduled": len(right),
            "numberMisscheduled": len(pods) - len(right),
            "desiredNumberScheduled": len(nodes),
            "numberReady": serving,
            "observedGeneration": wanted["metadata"]["generation"],
            "updatedNumberScheduled": sum(labels_of(pod).get(revisions.LABEL) == digest for pod in right),
            "numberAvailable": serving,
            "numberUnavailable": len(nodes) - serving,
        }
        needed = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
        status = {key: value for key, value in status.items() if value or key in needed}
        if status != wanted.get("status"):
            self._objects.replace(ID, {**wanted, "status": status}, Part.STATUS)
        revisions.tidy(self._objects, wanted, {f"{name_of(wanted)}-{labels_of(p).get(revisions.LABEL)}" for p in pods})


def _moved(change: Change) -> bool:
    """Whether a node's change can matter to where pods belong; heartbeats don't."""
    if change.previous is None:
        return True
    before, after = change.previous.body, change.object
    return bool(before["spec"] != after["spec"] or labels_of(before) != labels_of(after)) or change.type == "DELETED"
