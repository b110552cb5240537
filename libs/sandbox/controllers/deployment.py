"""Deployments: one ReplicaSet a template, and the way from the old ones to the new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers import rollout
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    controller_of,
    ending,
    labels_of,
    name_of,
    owned,
    reference_to,
    short_hash,
    space_of,
)
from libs.sandbox.controllers.progress import judged
from libs.sandbox.controllers.replicaset import ID as SETS
from libs.sandbox.copying import copied
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects

ID = "deployments.apps"
_OWN = ("kubectl.kubernetes.io/last-applied-configuration", rollout.REVISION)
"""Annotations of a Deployment that its ReplicaSets don't take over."""


class Deployments:
    """Rolls each Deployment out."""

    name = "deployment"
    watches = (ID, SETS)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "deployment-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The Deployment itself, or the one that controls a ReplicaSet."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        owner = controller_of(body) or {}
        return ((space_of(body), owner["name"]),) if owner.get("kind") == "Deployment" else ()

    def reconcile(self, key: Key) -> float | None:
        """One step of the rollout, and how it stands."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None or ending(wanted):
            return None
        new, old = self._sets(wanted)
        if not wanted["spec"].get("paused"):
            new = self._step(wanted, new, old)
        elif new is not None and not any(int(found["spec"].get("replicas", 1)) for found in old):
            self._scale(wanted, {name_of(new): int(wanted["spec"].get("replicas", 1))}, [new])
        self._tidy(wanted, new, old)
        return self._tell(wanted, new)

    def _sets(self, wanted: Body) -> tuple[Body | None, list[Body]]:
        found = owned(self._objects.list(SETS, space_of(wanted)), wanted)
        digest = short_hash(wanted["spec"]["template"])
        new = next((each for each in found if labels_of(each).get(rollout.HASH) == digest), None)
        old = sorted((each for each in found if each is not new), key=rollout.revision_of)
        return new, old

    def _step(self, wanted: Body, new: Body | None, old: list[Body]) -> Body | None:
        latest = max((rollout.revision_of(each) for each in old), default=0)
        limits = rollout.pace(wanted["spec"])
        recreating = (wanted["spec"].get("strategy") or {}).get("type") == "Recreate"
        if new is None and recreating and any(rollout.standing(each).existing for each in old):
            self._scale(wanted, rollout.recreated(limits, None, [rollout.standing(each) for each in old]), old)
            return None
        if new is None:
            return self._made(wanted, latest + 1, old, limits, recreating=recreating)
        if rollout.revision_of(new) <= latest:
            new = self._marked(new, latest + 1)
        self._annotate(wanted, rollout.revision_of(new))
        states = [rollout.standing(each) for each in old]
        decide = rollout.recreated if recreating else rollout.rolled
        self._scale(wanted, decide(limits, rollout.standing(new), states), [new, *old])
        return self._objects.get(SETS, name_of(new), space_of(new))

    def _made(self, wanted: Body, revision: int, old: list[Body], limits: rollout.Pace, *, recreating: bool) -> Body:
        digest = short_hash(wanted["spec"]["template"])
        total = sum(rollout.standing(each).asked for each in old)
        room = limits.replicas if recreating else max(0, min(limits.replicas, limits.replicas + limits.surge - total))
        template = copied(wanted["spec"]["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[rollout.HASH] = digest
        selector = copied(wanted["spec"]["selector"])
        selector.setdefault("matchLabels", {})[rollout.HASH] = digest
        annotations = {k: v for k, v in (wanted["metadata"].get("annotations") or {}).items() if k not in _OWN}
        body: Body = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(wanted)}-{digest}",
                "labels": template["metadata"]["labels"],
                "annotations": {**annotations, rollout.REVISION: str(revision)},
                "ownerReferences": [reference_to(wanted)],
            },
            "spec": {"replicas": room, "selector": selector, "template": template},
        }
        if wanted["spec"].get("minReadySeconds"):
            body["spec"]["minReadySeconds"] = wanted["spec"]["minReadySeconds"]
        made = self._objects.create(SETS, body, space_of(wanted))
        self._say(wanted, name_of(made), 0, room)
        self._annotate(wanted, revision)
        return made

    def _marked(self, replica_set: Body, revision: int) -> Body:
        def change(body: Body) -> None:
            body["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(revision)

        return self._objects.update(SETS, name_of(replica_set), space_of(replica_set), change)

    def _annotate(self, wanted: Body, revision: int) -> None:
        def change(body: Body) -> None:
            body["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(revision)

        self._objects.update(ID, name_of(wanted), space_of(wanted), change)

    def _scale(self, wanted: Body, wishes: Mapping[str, int], sets: list[Body]) -> None:
        for each in sets:
            wish, asked = wishes.get(name_of(each)), int(each["spec"].get("replicas", 1))
            if wish is None or wish == asked:
                continue

            def change(body: Body, wish: int = wish) -> None:
                body["spec"]["replicas"] = wish

            self._objects.update(SETS, name_of(each), space_of(each), change)
            self._say(wanted, name_of(each), asked, wish)

    def _say(self, wanted: Body, name: str, before: int, after: int) -> None:
        if before != after:
            way = "up" if after > before else "down"
            text = f"Scaled {way} replica set {name} from {before} to {after}"
            self._events.note(wanted, "ScalingReplicaSet", text)

    def _tidy(self, wanted: Body, new: Body | None, old: list[Body]) -> None:
        """Delete the oldest of those that are done with, beyond what history keeps."""
        if new is None or not rollout.finished(wanted["spec"], wanted.get("status") or {}):
            return
        idle = [each for each in old if rollout.standing(each).asked == 0 == rollout.standing(each).existing]
        surplus = len(idle) - int(wanted["spec"].get("revisionHistoryLimit", 10))
        for each in idle[: max(0, surplus)]:
            self._objects.delete(SETS, name_of(each), space_of(each))

    def _tell(self, wanted: Body, new: Body | None) -> float | None:
        wanted = self._objects.get(ID, name_of(wanted), space_of(wanted))
        sets = owned(self._objects.list(SETS, space_of(wanted)), wanted)
        status = counted(wanted, new, sets)
        left = judged(wanted, status, name_of(new) if new else "", self._objects.clock())
        if status != wanted.get("status"):
            self._objects.replace(ID, {**wanted, "status": status}, Part.STATUS)
        return left


def counted(wanted: Body, new: Body | None, sets: list[Body]) -> dict[str, Any]:
    """A Deployment's numbers, with the conditions it had and whether enough is available."""
    total = sum(int((each.get("status") or {}).get("replicas", 0)) for each in sets)
    able = sum(rollout.standing(each).available for each in sets)
    limits = rollout.pace(wanted["spec"])
    numbers = {
        "replicas": total,
        "updatedReplicas": rollout.standing(new).existing if new else 0,
        "readyReplicas": sum(int((each.get("status") or {}).get("readyReplicas", 0)) for each in sets),
        "availableReplicas": able,
        "unavailableReplicas": max(0, max(limits.replicas, total) - able),
    }
    status: dict[str, Any] = {"observedGeneration": wanted["metadata"]["generation"]}
    status |= {name: number for name, number in numbers.items() if number}
    status["conditions"] = copied((wanted.get("status") or {}).get("conditions") or [])
    return status
