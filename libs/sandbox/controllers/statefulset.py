"""StatefulSets: pods with names and claims of their own, made, ended and updated in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers import revisions
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
    space_of,
)
from libs.sandbox.copying import copied
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects

ID = "statefulsets.apps"
CLAIMS = "persistentvolumeclaims"


class StatefulSets:
    """Keeps the pods `<name>-0` … `<name>-N` of each StatefulSet."""

    name = "statefulset"
    watches = (ID, "pods")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "statefulset-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself, or the one that controls a pod."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        owner = controller_of(body) or {}
        return ((space_of(body), owner["name"]),) if owner.get("kind") == "StatefulSet" else ()

    def reconcile(self, key: Key) -> float | None:
        """The next step in order, and how it stands."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None:
            return None
        revision = revisions.present(self._objects, wanted) if not ending(wanted) else None
        pods = {ordinal(pod): pod for pod in owned(self._objects.list("pods", space_of(wanted)), wanted)}
        if revision is not None:
            self._advance(wanted, pods, name_of(revision))
        self._tell(wanted, name_of(revision) if revision else "")
        return None

    def _advance(self, wanted: Body, pods: Mapping[int, Body], revision: str) -> None:
        ordered = wanted["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        numbers = range(int(wanted["spec"].get("replicas", 1)))
        for number in numbers:
            if not self._stands(wanted, pods.get(number), number, revision) and ordered:
                return
        surplus = sorted((number for number in pods if number not in numbers), reverse=True)
        for number in surplus[:1] if ordered else surplus:
            if not ending(pods[number]):
                self._end(wanted, pods[number])
        if not surplus:
            self._update(wanted, [pods[number] for number in numbers if number in pods], revision)

    def _stands(self, wanted: Body, pod: Body | None, number: int, revision: str) -> bool:
        """Whether this pod is there and serves; if not, what can be done for that is done."""
        if pod is None:
            self._make(wanted, number, self._revision_for(wanted, number, revision))
            return False
        if ending(pod) or ready(pod):
            return not ending(pod)
        if done(pod):
            self._end(wanted, pod)
        else:
            self._mend(wanted, pod, number, revision)
        return False

    def _revision_for(self, wanted: Body, number: int, revision: str) -> str:
        """What a pod is made of: below the partition the revision that stood, else the present one."""
        below = number < partition(wanted)
        current = (wanted.get("status") or {}).get("currentRevision")
        return current if below and current else revision

    def _mend(self, wanted: Body, pod: Body, number: int, revision: str) -> None:
        """A pod of an old template that never gets ready would hold up what mends it."""
        if _rolling(wanted) and number >= partition(wanted) and hash_of(pod) != revision:
            self._end(wanted, pod)

    def _update(self, wanted: Body, pods: list[Body], revision: str) -> None:
        """End the last pod that is of an old revision, while all are ready."""
        if not _rolling(wanted) or any(not ready(pod) or ending(pod) for pod in pods):
            return
        for pod in reversed(pods):
            if ordinal(pod) >= partition(wanted) and hash_of(pod) != revision:
                self._end(wanted, pod)
                return

    def _make(self, wanted: Body, number: int, revision: str) -> None:
        name = f"{name_of(wanted)}-{number}"
        template = self._template(wanted, revision)
        labels = {
            revisions.LABEL: revision,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(number),
        }
        pod = pod_of(template, wanted, labels=labels, name=name)
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        for claim in wanted["spec"].get("volumeClaimTemplates") or ():
            called = f"{name_of(claim)}-{name}"
            self._claim(wanted, claim, called)
            volumes[name_of(claim)] = {"name": name_of(claim), "persistentVolumeClaim": {"claimName": called}}
        pod["spec"] |= {"hostname": name, "subdomain": wanted["spec"].get("serviceName", "")}
        if volumes:
            pod["spec"]["volumes"] = list(volumes.values())
        self._objects.create("pods", pod, space_of(wanted))
        self._events.note(wanted, "SuccessfulCreate", f"create Pod {name} in StatefulSet {name_of(wanted)} successful")

    def _template(self, wanted: Body, revision: str) -> Mapping[str, Any]:
        kept = self._objects.find(revisions.ID, revision, space_of(wanted))
        template: Mapping[str, Any] = kept["data"]["spec"]["template"] if kept else wanted["spec"]["template"]
        return template

    def _claim(self, wanted: Body, template: Body, name: str) -> None:
        if self._objects.find(CLAIMS, name, space_of(wanted)) is not None:
            return
        shape = template["metadata"]
        labels = {**((wanted["spec"].get("selector") or {}).get("matchLabels") or {}), **(shape.get("labels") or {})}
        body = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "labels": labels, "annotations": dict(shape.get("annotations") or {})},
            "spec": copied(template["spec"]),
        }
        self._objects.create(CLAIMS, body, space_of(wanted))

    def _end(self, wanted: Body, pod: Body) -> None:
        self._objects.delete("pods", name_of(pod), space_of(pod))
        text = f"delete Pod {name_of(pod)} in StatefulSet {name_of(wanted)} successful"
        self._events.note(wanted, "SuccessfulDelete", text)

    def _tell(self, wanted: Body, revision: str) -> None:
        pods = [pod for pod in owned(self._objects.list("pods", space_of(wanted)), wanted) if not done(pod)]
        status = numbers_of(wanted, pods, revision)
        if status != wanted.get("status"):
            self._objects.replace(ID, {**wanted, "status": status}, Part.STATUS)
        used = {hash_of(pod) for pod in pods} | {status["currentRevision"], status["updateRevision"]}
        revisions.tidy(self._objects, wanted, used)


def numbers_of(wanted: Body, pods: list[Body], revision: str) -> Body:
    """A StatefulSet's status; `currentRevision` follows once every pod is of the newest and ready."""
    before = wanted.get("status") or {}
    revision = revision or before.get("updateRevision", "")
    current = before.get("currentRevision") or revision
    fresh = [pod for pod in pods if hash_of(pod) == revision]
    replicas = int(wanted["spec"].get("replicas", 1))
    if len(fresh) == len(pods) == replicas == sum(map(ready, pods)):
        current = revision
    serving = sum(ready(pod) and not ending(pod) for pod in pods)
    return {
        "observedGeneration": wanted["metadata"]["generation"],
        "replicas": len(pods),
        "readyReplicas": serving,
        "availableReplicas": serving,
        "currentReplicas": sum(hash_of(pod) == current for pod in pods),
        "updatedReplicas": len(fresh),
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }


def hash_of(pod: Body) -> str:
    """The revision that a pod was made of."""
    return labels_of(pod).get(revisions.LABEL, "")


def ordinal(pod: Body) -> int:
    """The number at the end of its name."""
    return int(name_of(pod).rsplit("-", 1)[-1])


def partition(wanted: Body) -> int:
    """The first ordinal that an update reaches."""
    strategy = wanted["spec"].get("updateStrategy") or {}
    return int((strategy.get("rollingUpdate") or {}).get("partition") or 0)


def _rolling(wanted: Body) -> bool:
    strategy: Mapping[str, Any] = wanted["spec"].get("updateStrategy") or {}
    return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")
