"""Gives each pod a node: of those that suit and have room, the one with most of its share left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from libs.sandbox.changes import Change, Type
from libs.sandbox.controllers.fitting import asked, quantity, suits
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, Seen, done, ending, name_of, space_of, with_condition
from libs.sandbox.objects import Objects

_ROOM: Final = ("cpu", "memory", "pods")
"""Resources that a node has so much of."""
_LACKING: Final = ("Insufficient cpu", "Insufficient memory", "Too many pods")
_NOTHING: Final = (0.0, 0.0, 0.0)
_SLACK: Final = 1e-6
"""How far below nothing the room left may be: sums of fractions aren't exact."""

Wish = tuple[float, float, float]
"""Cores, bytes, and one pod."""


class Load:
    """What each node's pods ask for together, kept up with as pods come and go."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, Wish]] = {}
        self._used: dict[str, list[float]] = {}

    def count(self, pod: Seen, *, gone: bool = False) -> None:
        """This pod as it is now; one that has ended takes nothing."""
        uid, node = pod["metadata"]["uid"], pod["spec"].get("nodeName")
        if before := self._places.pop(uid, None):
            self._add(*before, -1)
        if node and not gone and not done(pod):
            self._places[uid] = place = (node, wish_of(pod))
            self._add(*place, 1)

    def on(self, node: str) -> Sequence[float]:
        """Cores, bytes, and the number of pods there."""
        return self._used.get(node, _NOTHING)

    def _add(self, node: str, wish: Wish, sign: int) -> None:
        used = self._used.setdefault(node, list(_NOTHING))
        for place, more in enumerate(wish):
            used[place] += sign * more


class Scheduler:
    """Places pods that have no node."""

    name = "scheduler"
    watches = ("pods", "nodes")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "default-scheduler")
        self._waiting: set[Key] = set()
        self._load = Load()

    def prune(self) -> None:
        """Count anew who is where."""
        self._load = Load()
        for pod in self._objects.list("pods"):
            self._load.count(pod)

    def keys(self, change: Change) -> Iterable[Key]:
        """A pod without a node; when room may have come, all that wait for it."""
        body = change.object
        if change.resource == "pods":
            self._load.count(body, gone=change.type is Type.DELETED)
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
        chosen = choose(pod, nodes, self._load)
        if chosen is None:
            self._waiting.add(key)
            self._refuse(pod, reasons(pod, nodes, self._load))
            return None

        def bind(body: Body) -> None:
            body["spec"]["nodeName"] = chosen
            state = body.setdefault("status", {"phase": "Pending"})
            with_condition(state, "PodScheduled", True, ("", ""), self._objects.clock())

        self._load.count(self._objects.update("pods", key[1], key[0], bind))
        self._events.note(pod, "Scheduled", f"Successfully assigned {key[0]}/{key[1]} to {chosen}")
        return None

    def _refuse(self, pod: Body, why: Counter[str]) -> None:
        told = ", ".join(f"{number} {reason}" for reason, number in sorted(why.items()))
        text = f"0/{why.total()} nodes are available: {told}." if why else "no nodes available to schedule pods"

        def say(body: Body) -> None:
            state = body.setdefault("status", {"phase": "Pending"})
            with_condition(state, "PodScheduled", False, ("Unschedulable", text), self._objects.clock())

        before = self._objects.update("pods", name_of(pod), space_of(pod), say)
        if before["metadata"]["resourceVersion"] != pod["metadata"]["resourceVersion"]:
            self._events.note(pod, "FailedScheduling", text, warning=True)


def choose(pod: Seen, nodes: Iterable[Body], load: Load) -> str | None:
    """The node with the largest free share after the pod, of CPU or memory whichever is scarcer there, then with the
    fewest pods, then by name; None where it fits nowhere.
    """
    wish, ranked = wish_of(pod), []
    for node in nodes:
        if _unfit(pod, node):
            continue
        whole, left = _left(wish, node, load)
        if min(left) >= -_SLACK:
            share = min(free / have for free, have in zip(left, whole, strict=True) if have)
            ranked.append((-round(share, 6), load.on(name_of(node))[2], name_of(node)))
    return min(ranked)[2] if ranked else None


def reasons(pod: Seen, nodes: Iterable[Body], load: Load) -> Counter[str]:
    """Why the pod fits nowhere, each with the number of nodes that it keeps out, in Kubernetes' words."""
    wish, found = wish_of(pod), Counter[str]()
    for node in nodes:
        _, left = _left(wish, node, load)
        lacking = [reason for reason, free in zip(_LACKING, left, strict=True) if free < -_SLACK]
        found[_unfit(pod, node) or lacking[0]] += 1
    return found


def wish_of(pod: Seen) -> Wish:
    """What a pod takes of its node."""
    return asked(pod["spec"], "cpu"), asked(pod["spec"], "memory"), 1.0


def _unfit(pod: Seen, node: Body) -> str:
    """What keeps the pod from the node, however much room it has; empty for nothing."""
    if node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    return "" if suits(pod["spec"], node) else "node(s) didn't match Pod's node affinity/selector"


def _left(wish: Wish, node: Body, load: Load) -> tuple[list[float], list[float]]:
    """What the node has in all, and what would be left of it."""
    room = (node.get("status") or {}).get("allocatable") or {}
    whole = [quantity(room.get(name, 0)) for name in _ROOM]
    used = load.on(name_of(node))
    return whole, [have - taken - more for have, taken, more in zip(whole, used, wish, strict=True)]
