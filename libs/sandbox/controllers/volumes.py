"""Claims get a volume made for them, of the default class where they name none; a released one goes or stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, ending, name_of, space_of
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects

CLAIMS = "persistentvolumeclaims"
VOLUMES = "persistentvolumes"
CLASSES = "storageclasses.storage.k8s.io"
PROVISIONER = "sandbox.orrery.io/local"
DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Volumes:
    """Binds claims to volumes. Keys of volumes have no namespace."""

    name = "volumes"
    watches = (CLAIMS, VOLUMES, CLASSES)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "persistentvolume-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The claim or the volume itself; with a claim its volume, with a class all claims that wait."""
        body = change.object
        if change.resource == CLASSES:
            waiting = (claim for claim in self._objects.list(CLAIMS) if not claim["spec"].get("volumeName"))
            return [(space_of(claim), name_of(claim)) for claim in waiting]
        if change.resource == VOLUMES:
            return (("", name_of(body)),)
        volume = body["spec"].get("volumeName")
        return [(space_of(body), name_of(body)), *([("", volume)] if volume else [])]

    def reconcile(self, key: Key) -> float | None:
        """Bind, or release."""
        if key[0]:
            self._bind(self._objects.find(CLAIMS, key[1], key[0]))
        else:
            self._release(self._objects.find(VOLUMES, key[1]))
        return None

    def _bind(self, claim: Body | None) -> None:
        if claim is None or ending(claim) or (claim.get("status") or {}).get("phase") == "Bound":
            return
        kind = self._class_of(claim)
        if kind is None or kind.get("provisioner") != PROVISIONER:
            if (claim.get("status") or {}).get("phase") != "Pending":
                self._objects.replace(CLAIMS, {**claim, "status": {"phase": "Pending"}}, Part.STATUS)
            self._events.note(claim, "ProvisioningFailed", "no volume can be made for this storage class", warning=True)
            return
        name = f"pvc-{claim['metadata']['uid']}"
        if self._objects.find(VOLUMES, name) is None:
            self._objects.create(VOLUMES, volume_for(claim, kind, name))

        def change(body: Body) -> None:
            body["spec"] |= {"volumeName": name, "storageClassName": name_of(kind)}
            body["status"] = {
                "phase": "Bound",
                "accessModes": body["spec"].get("accessModes") or ["ReadWriteOnce"],
                "capacity": {"storage": _size(body)},
            }

        self._objects.update(CLAIMS, name_of(claim), space_of(claim), change)
        self._events.note(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    def _class_of(self, claim: Body) -> Body | None:
        """The class that it names, or the default one."""
        named = claim["spec"].get("storageClassName")
        if named is not None:
            return self._objects.find(CLASSES, named) if named else None
        usual = (
            kind
            for kind in self._objects.list(CLASSES)
            if (kind["metadata"].get("annotations") or {}).get(DEFAULT) == "true"
        )
        return next(usual, None)

    def _release(self, volume: Body | None) -> None:
        claim = (volume or {}).get("spec", {}).get("claimRef")
        if volume is None or ending(volume) or not claim:
            return
        standing = self._objects.find(CLAIMS, claim["name"], claim["namespace"])
        if standing is not None and standing["metadata"]["uid"] == claim["uid"]:
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy", "Delete") == "Delete":
            self._objects.delete(VOLUMES, name_of(volume))
        elif (volume.get("status") or {}).get("phase") != "Released":
            self._objects.replace(VOLUMES, {**volume, "status": {"phase": "Released"}}, Part.STATUS)


def _size(claim: Body) -> Any:
    return ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "1Gi")


def volume_for(claim: Body, kind: Body, name: str) -> Body:
    """A volume bound to this claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"],
            "capacity": {"storage": _size(claim)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": space_of(claim),
                "name": name_of(claim),
                "uid": claim["metadata"]["uid"],
            },
            "csi": {"driver": PROVISIONER, "volumeHandle": name},
            "persistentVolumeReclaimPolicy": kind.get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(kind),
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        },
        "status": {"phase": "Bound"},
    }
