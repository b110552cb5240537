"""Gives each pod a node: of those that suit and have room, the one with most of its share left."""

from __future__ import annotations

from collections.abc import Iterable

from libs.sandbox.changes import Change, Type
from libs.sandbox.controllers.fitting import asked, quantity, suits
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, Seen, done, ending, name_of, space_of, with_condition
from libs.sandbox.objects import Objects


class Scheduler:
    """Places pods that have no node."""

    name = "scheduler"
    watches = ("pods", "nodes")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "default-scheduler")
        self._waiting: set[Key] = set()

    def keys(self, change: Change) -> Iterable[Key]:
        """A pod without a node; when room may have come, all that wait for it."""
        body = change.object
        if change.resource == "pods":
            if change.type is Type.DELETED or done(body):
                return tuple(self._waiting)
            return () if body["spec"].get("nodeName") else ((space_of(body), name_of(body)),)
        old = change.previous.body if change.previous else {}
        return tuple(self._waiting) if old.get("spec") != body["spec"] else ()

    def reconcile(self, key: Key) -> float | None:
        """Bind it, or say why not."""
        pod = self._objects.find("pods", key[1], key[0])
        self._waiting.discard(key)
        if pod is None or ending(pod) or pod["spec"].get("nodeName") or pod["spec"].get("schedulingGates"):
            return None
        nodes = self._objects.list("nodes")
        running = [each for each in self._objects.list("pods") if each["spec"].get("nodeName") and not done(each)]
        chosen = choose(pod, nodes, running)
        if chosen is None:
            self._waiting.add(key)
            self._refuse(pod, len(nodes))
            return None

        def bind(body: Body) -> None:
            body["spec"]["nodeName"] = chosen
            state = body.setdefault("status", {"phase": "Pending"})
            with_condition(state, "PodScheduled", True, ("", ""), self._objects.clock())

        self._objects.update("pods", key[1], key[0], bind)
        self._events.note(pod, "Scheduled", f"Successfully assigned {key[0]}/{key[1]} to {chosen}")
        return None

    def _refuse(self, pod: Body, nodes: int) -> None:
        text = f"0/{nodes} nodes are available: none suits the pod and has what it requests."

        def say(body: Body) -> None:
            state = body.setdefault("status", {"phase": "Pending"})
            with_condition(state, "PodScheduled", False, ("Unschedulable", text), self._objects.clock())

        before = self._objects.update("pods", name_of(pod), space_of(pod), say)
        if before["metadata"]["resourceVersion"] != pod["metadata"]["resourceVersion"]:
            self._events.note(pod, "FailedScheduling", text, warning=True)


def choose(pod: Seen, nodes: Iterable[Body], running: Iterable[Body]) -> str | None:
    """The node with the largest free share after the pod, of CPU or memory whichever is scarcer there, then with the
    fewest pods, then by name; None where it fits nowhere.
    """
    load: dict[str, list[float]] = {}
    for each in running:
        used = load.setdefault(each["spec"]["nodeName"], [0.0, 0.0, 0.0])
        for place, more in enumerate((asked(each["spec"], "cpu"), asked(each["spec"], "memory"), 1.0)):
            used[place] += more
    wish = (asked(pod["spec"], "cpu"), asked(pod["spec"], "memory"), 1.0)
    ranked = []
    for node in nodes:
        if node["spec"].get("unschedulable") or not suits(pod["spec"], node):
            continue
        room = (node.get("status") or {}).get("allocatable") or {}
        whole = [quantity(room.get(name, 0)) for name in ("cpu", "memory", "pods")]
        used = load.get(name_of(node), [0.0, 0.0, 0.0])
        left = [have - taken - more for have, taken, more in zip(whole, used, wish, strict=True)]
        if min(left) >= 0:
            share = min(free / have for free, have in zip(left, whole, strict=True))
            ranked.append((-round(share, 6), used[2], name_of(node)))
    return min(ranked)[2] if ranked else None
