"""ReplicaSets: as many pods as are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from libs.sandbox.changes import Change
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    Seen,
    available_in,
    controller_of,
    done,
    ending,
    labels_of,
    name_of,
    owned,
    pod_of,
    ready,
    reference_to,
    selector_of,
    space_of,
)
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects

ID = "replicasets.apps"
BURST = 25
"""Pods that one pass makes or deletes, at most."""


class ReplicaSets:
    """Keeps pods of each ReplicaSet at its number."""

    name = "replicaset"
    watches = (ID, "pods")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "replicaset-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself; of a pod the set that controls it, or those that might want it."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        owner = controller_of(body)
        if owner is not None:
            return ((space_of(body), owner["name"]),) if owner["kind"] == "ReplicaSet" else ()
        return tuple((space_of(body), name_of(found)) for found in self._wanting(body))

    def _wanting(self, pod: Body) -> Iterable[Body]:
        for found in self._objects.list(ID, space_of(pod)):
            selector = selector_of(found["spec"].get("selector"))
            if selector and selector.matches(labels_of(pod)):
                yield found

    def reconcile(self, key: Key) -> float | None:
        """Make or delete pods, then say how it stands."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None:
            return None
        pods = self._pods(wanted)
        if not ending(wanted):
            pods = self._fit(wanted, pods)
        return self._tell(wanted, pods)

    def _pods(self, wanted: Body) -> list[Body]:
        """Its pods that aren't on their way out, with those adopted that match and belong to nobody."""
        pods = self._objects.list("pods", space_of(wanted))
        selector = selector_of(wanted["spec"].get("selector"))
        for pod in pods:
            orphan = controller_of(pod) is None and not ending(pod) and not done(pod)
            if selector and orphan and not ending(wanted) and selector.matches(labels_of(pod)):
                self._objects.update("pods", name_of(pod), space_of(pod), lambda body: _adopt(body, wanted))
        return [pod for pod in owned(self._objects.list("pods", space_of(wanted)), wanted) if _counts(pod)]

    def _fit(self, wanted: Body, pods: list[Body]) -> list[Body]:
        replicas = int(wanted["spec"].get("replicas", 1))
        if len(pods) < replicas:
            made = [self._made(wanted) for _ in range(min(BURST, replicas - len(pods)))]
            return pods + made
        surplus = sorted(pods, key=leave_first)[: min(BURST, len(pods) - replicas)]
        for pod in surplus:
            self._objects.delete("pods", name_of(pod), space_of(pod))
            self._events.note(wanted, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        gone = {pod["metadata"]["uid"] for pod in surplus}
        return [pod for pod in pods if pod["metadata"]["uid"] not in gone]

    def _made(self, wanted: Body) -> Body:
        pod = self._objects.create("pods", pod_of(wanted["spec"]["template"], wanted), space_of(wanted))
        self._events.note(wanted, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return pod

    def _tell(self, wanted: Body, pods: list[Body]) -> float | None:
        least = float(wanted["spec"].get("minReadySeconds", 0))
        waits = [available_in(pod, least, self._objects.clock()) for pod in pods]
        shape = labels_of({"metadata": wanted["spec"]["template"].get("metadata") or {}}).items()
        numbers = {
            "fullyLabeledReplicas": sum(shape <= labels_of(pod).items() for pod in pods),
            "readyReplicas": sum(ready(pod) for pod in pods),
            "availableReplicas": sum(wait == 0 for wait in waits),
        }
        status = {"replicas": len(pods), "observedGeneration": wanted["metadata"]["generation"]}
        status |= {name: number for name, number in numbers.items() if number}
        if status != wanted.get("status"):
            self._objects.replace(ID, {**wanted, "status": status}, Part.STATUS)
        return min((wait for wait in waits if wait), default=None)


def _counts(pod: Seen) -> bool:
    return not ending(pod) and not done(pod)


def _adopt(body: Body, owner: Seen) -> None:
    body["metadata"].setdefault("ownerReferences", []).append(reference_to(owner))


def leave_first(pod: Seen) -> tuple[object, ...]:
    """Sorts pods so that those come first that are missed least: unplaced, not running, not ready, youngest."""
    phase = (pod.get("status") or {}).get("phase", "Pending")
    made = pod["metadata"].get("creationTimestamp", "")
    return (
        bool(pod["spec"].get("nodeName")),
        phase != "Pending",
        ready(pod),
        tuple(-ord(letter) for letter in made),
        name_of(pod),
    )
