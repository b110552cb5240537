"""Namespaces: what each of them has from the start, and how one that was deleted is emptied."""

from __future__ import annotations

from collections.abc import Iterable

from libs.sandbox.changes import Change
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, ending, name_of, space_of
from libs.sandbox.lifecycle import Deletion
from libs.sandbox.objects import Objects

ACCOUNT = "default"
CERTIFICATE = "kube-root-ca.crt"
LOOK_AGAIN = 1.0
"""Seconds until it is looked whether the last of an ending namespace is gone."""
_OWN = ("serviceaccounts", "configmaps")


class Namespaces:
    """Furnishes new namespaces, and empties those that end."""

    name = "namespace"
    watches = ("namespaces", *_OWN)

    def __init__(self, objects: Objects, certificate: str = "") -> None:
        self._objects = objects
        self._certificate = certificate

    def keys(self, change: Change) -> Iterable[Key]:
        """The namespace itself, or that of what it was furnished with."""
        body = change.object
        if change.resource == "namespaces":
            return (("", name_of(body)),)
        return (("", space_of(body)),) if name_of(body) in (ACCOUNT, CERTIFICATE) else ()

    def reconcile(self, key: Key) -> float | None:
        """Make what is missing, or remove what is left."""
        namespace = self._objects.find("namespaces", key[1])
        if namespace is None:
            return None
        if ending(namespace):
            return self._empty(key[1])
        if (namespace.get("status") or {}).get("phase") != "Active":
            self._objects.update("namespaces", key[1], "", _activate)
        self._furnish("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount"}, ACCOUNT, key[1])
        trust = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": self._certificate}}
        self._furnish("configmaps", trust, CERTIFICATE, key[1])
        return None

    def _furnish(self, resource: str, body: Body, name: str, namespace: str) -> None:
        if self._objects.find(resource, name, namespace) is None:
            self._objects.create(resource, {**body, "metadata": {"name": name}}, namespace)

    def _empty(self, name: str) -> float | None:
        left = 0
        for resource in self._objects.catalogue:
            if not resource.namespaced or not resource.stored:
                continue
            for body in self._objects.list(resource.id, name):
                if not ending(body):
                    self._objects.delete(resource.id, name_of(body), name, wish=Deletion("Background"))
                left += self._objects.find(resource.id, name_of(body), name) is not None
        if left:
            return LOOK_AGAIN
        self._objects.update("namespaces", name, "", _release)
        return None


def _activate(body: Body) -> None:
    """What the API server says of a new one, for those that were made without it."""
    body["status"] = {"phase": "Active"}
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name_of(body)
    body["spec"] = {**(body.get("spec") or {}), "finalizers": ["kubernetes"]}


def _release(body: Body) -> None:
    """Nothing is left in it: the last finalizer goes."""
    kept = [name for name in (body.get("spec") or {}).get("finalizers") or () if name != "kubernetes"]
    body["spec"] = {**(body.get("spec") or {}), "finalizers": kept}
