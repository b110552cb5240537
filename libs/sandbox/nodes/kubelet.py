"""Runs the pods that were placed on a simulated node, and ends those that were deleted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from libs.sandbox.changes import Change, Type
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, done, ending, name_of, space_of, with_condition
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.nodes import life
from libs.sandbox.nodes.machines import address_of, number_of
from libs.sandbox.objects import Objects
from libs.sandbox.rules import defaults
from libs.shared.errors import Busy
from libs.shared.objects.meta import instant

STOPPING = 0.3
"""Seconds that a container takes to end when asked; one that hangs takes all the grace there is."""


class Kubelet:
    """All three nodes' agents in one: a key is a pod."""

    name = "kubelet"
    watches = ("pods",)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "kubelet")
        self._began: dict[str, float] = {}
        self._stopping: dict[str, float] = {}
        self._addresses: dict[str, str] = {}

    def prune(self) -> None:
        """Forget pods that are gone."""
        standing = {pod["metadata"]["uid"] for pod in self._objects.list("pods")}
        for kept in (self._began, self._stopping, self._addresses):
            for uid in kept.keys() - standing:
                del kept[uid]

    def keys(self, change: Change) -> Iterable[Key]:
        """Pods that have a node."""
        pod = change.object
        if change.type is Type.DELETED:
            for kept in (self._began, self._stopping, self._addresses):
                kept.pop(pod["metadata"]["uid"], None)
            return ()
        if address := (pod.get("status") or {}).get("podIP"):
            self._addresses[pod["metadata"]["uid"]] = address
        return ((space_of(pod), name_of(pod)),) if pod["spec"].get("nodeName") else ()

    def reconcile(self, key: Key) -> float | None:
        """One look at a pod; again when its next moment comes."""
        pod = self._objects.find("pods", key[1], key[0])
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if ending(pod):
            return self._stop(pod)
        if done(pod) or self._objects.find("nodes", pod["spec"]["nodeName"]) is None:
            return None
        now = self._objects.clock()
        turn = life.Turn(pod, now.timestamp(), self._taken_up(pod, now))
        status = self._state(pod, turn, now)
        if status != pod.get("status"):
            self._objects.replace("pods", {**pod, "status": status}, Part.STATUS)
        for told in turn.told:
            host = pod["spec"]["nodeName"]
            self._events.note(pod, told.reason, told.message, warning=told.warning, host=host)
        return None if turn.due == math.inf else max(0.0, turn.due - turn.now)

    def _taken_up(self, pod: Body, now: datetime) -> float:
        """When it was taken up, exactly while this process has seen it, else to the second."""
        uid, began = pod["metadata"]["uid"], (pod.get("status") or {}).get("startTime")
        return self._began.setdefault(uid, life.seconds(began) if began else now.timestamp())

    def _state(self, pod: Body, turn: life.Turn, now: datetime) -> Body:
        inits, statuses = life.containers(turn)
        status: Body = dict(pod.get("status") or {})
        status["conditions"] = list(status.get("conditions") or ())
        status["phase"] = life.phase_of(turn.policy, statuses)
        status.setdefault("startTime", instant(now))
        status.setdefault("qosClass", defaults.quality(pod["spec"]))
        status["hostIP"] = address_of(pod["spec"]["nodeName"])
        status["hostIPs"] = [{"ip": status["hostIP"]}]
        if any("running" in each["state"] for each in (*inits, *statuses)):
            address = self._address(pod)
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
        if inits:
            status["initContainerStatuses"] = inits
        status["containerStatuses"] = statuses
        _conditions(status, inits, statuses, now)
        return status

    def _address(self, pod: Body) -> str:
        """Its address: the node's own with the host's network, else the first free one of the node's range."""
        node, uid = pod["spec"]["nodeName"], pod["metadata"]["uid"]
        if pod["spec"].get("hostNetwork"):
            return address_of(node)
        if uid not in self._addresses:
            taken = set(self._addresses.values())
            choices = (f"10.244.{number_of(node)}.{last}" for last in range(2, 255))
            free = next((address for address in choices if address not in taken), None)
            if free is None:
                raise Busy("no-pod-address", f"{node} has no address left for pods")
            self._addresses[uid] = free
        return self._addresses[uid]

    def _stop(self, pod: Body) -> float | None:
        """End it, after the moment that takes, or all its grace where it hangs."""
        uid, grace = pod["metadata"]["uid"], float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        now = self._objects.clock().timestamp()
        if uid not in self._stopping:
            self._stopping[uid] = now
            if not done(pod):
                for container in pod["spec"].get("containers") or ():
                    text = f"Stopping container {container['name']}"
                    self._events.note(pod, "Killing", text, host=pod["spec"]["nodeName"])
        hangs = life.marked(pod, life.HANG) < math.inf
        left = self._stopping[uid] + (grace if hangs else min(grace, STOPPING)) - now
        if left > 0:
            return left
        if grace or not pod["metadata"].get("finalizers"):
            self._objects.delete("pods", name_of(pod), space_of(pod), wish=Deletion(grace=0, uid=uid))
        return None


def _conditions(status: Body, inits: list[Body], statuses: list[Body], now: datetime) -> None:
    """What a pod says of itself, by its containers."""
    over = status["phase"] in ("Succeeded", "Failed")
    initialized = all("terminated" in each["state"] or each["ready"] for each in inits)
    lacking = [each["name"] for each in statuses if not each["ready"]]
    serving = bool(statuses) and not lacking
    reason, message = "", ""
    if status["phase"] == "Succeeded":
        reason = "PodCompleted"
    elif not serving:
        reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(lacking)}]"
    waits = ("", "")
    if not initialized:
        waits = ("ContainersNotInitialized", "containers with incomplete status")
    with_condition(status, "PodScheduled", True, ("", ""), now)
    with_condition(status, "Initialized", initialized, waits, now)
    with_condition(status, "ContainersReady", serving and not over, (reason, message), now)
    with_condition(status, "Ready", serving and not over, (reason, message), now)
