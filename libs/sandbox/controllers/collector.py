"""Garbage collection: what belongs to something that is gone goes as well.

Source: Kubernetes' documentation of owners and dependents, and of cascading deletion.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.sandbox.changes import Change, Type
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, ending, name_of, space_of
from libs.sandbox.lifecycle import FOREGROUND, ORPHAN, Deletion
from libs.sandbox.objects import Objects

Place = tuple[str, str, str]
"""Resource, namespace, name."""


class Collector:
    """Keeps who depends on whom by uid; a key is `("", uid)` of what may have lost another or waits for one."""

    name = "collector"
    watches = ()

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._places: dict[str, Place] = {}
        self._owners: dict[str, tuple[str, ...]] = {}
        self._dependents: dict[str, set[str]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """Of what is gone its dependents and owners; of what has owners or waits to go, itself."""
        body = change.object
        uid = body["metadata"].get("uid", "")
        if change.type is Type.DELETED:
            touched = [*self._dependents.get(uid, ()), *self._owners.get(uid, ())]
            self._forget(uid)
            return [("", other) for other in touched]
        self._places[uid] = (change.resource, space_of(body), name_of(body))
        owners = tuple(reference["uid"] for reference in body["metadata"].get("ownerReferences") or ())
        before = self._owners.get(uid, ())
        if owners != before:
            self._relate(uid, before, owners)
        waits = ending(body) and {FOREGROUND, ORPHAN} & set(body["metadata"].get("finalizers") or ())
        freed = [owner for owner in before if owner not in owners]
        return [("", each) for each in ([uid] if owners != before or waits else []) + freed]

    def _relate(self, uid: str, before: Iterable[str], owners: tuple[str, ...]) -> None:
        for owner in before:
            self._drop(owner, uid)
        for owner in owners:
            self._dependents.setdefault(owner, set()).add(uid)
        self._owners[uid] = owners
        if not owners:
            del self._owners[uid]

    def _forget(self, uid: str) -> None:
        self._places.pop(uid, None)
        for owner in self._owners.pop(uid, ()):
            self._drop(owner, uid)

    def _drop(self, owner: str, uid: str) -> None:
        known = self._dependents.get(owner, set())
        known.discard(uid)
        if not known:
            self._dependents.pop(owner, None)

    def reconcile(self, key: Key) -> float | None:
        """Let go of dependents, wait for them, or go."""
        body = self._of(key[1])
        if body is None:
            return None
        finalizers = body["metadata"].get("finalizers") or ()
        if ending(body) and ORPHAN in finalizers:
            for dependent in self._of_owner(key[1]):
                self._change(dependent, lambda each: _disown(each, {key[1]}))
            self._change(body, lambda each: _unfinalize(each, ORPHAN))
        elif ending(body) and FOREGROUND in finalizers:
            self._foreground(body, key[1])
        elif not ending(body):
            self._collect(body)
        return None

    def _foreground(self, body: Body, uid: str) -> None:
        """Everything that hangs on it goes before it; only what says that it blocks is waited for."""
        blocking = 0
        for dependent in self._of_owner(uid):
            if not ending(dependent):
                self._delete(dependent, "Foreground")
            reference = next(r for r in dependent["metadata"]["ownerReferences"] if r["uid"] == uid)
            still = self._of(dependent["metadata"]["uid"]) is not None
            blocking += bool(reference.get("blockOwnerDeletion")) and still
        if not blocking:
            self._change(body, lambda each: _unfinalize(each, FOREGROUND))

    def _collect(self, body: Body) -> None:
        references = body["metadata"].get("ownerReferences") or ()
        gone = {r["uid"] for r in references if not self._stands(r, space_of(body))}
        if references and len(gone) == len(references):
            self._delete(body, "Background")
        elif gone:
            self._change(body, lambda each: _disown(each, gone))

    def _stands(self, reference: dict[str, Any], namespace: str) -> bool:
        """Whether the owner is there: looked up by name, since what is new may not have been noticed yet."""
        resource = self._objects.catalogue.by_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            return True  # of a kind that isn't served here: nobody can say that it is gone
        owner = self._objects.find(resource.id, reference["name"], namespace if resource.namespaced else "")
        return owner is not None and owner["metadata"]["uid"] == reference["uid"]

    def _of(self, uid: str) -> Body | None:
        place = self._places.get(uid)
        body = self._objects.find(place[0], place[2], place[1]) if place else None
        return body if body is not None and body["metadata"]["uid"] == uid else None

    def _of_owner(self, uid: str) -> list[Body]:
        found = [self._of(dependent) for dependent in sorted(self._dependents.get(uid, ()))]
        return [body for body in found if body is not None]

    def _delete(self, body: Body, policy: str) -> None:
        resource, namespace, name = self._places[body["metadata"]["uid"]]
        wish = Deletion(policy, uid=body["metadata"]["uid"])
        self._objects.delete(resource, name, namespace, wish=wish)

    def _change(self, body: Body, change: Any) -> None:
        resource, namespace, name = self._places[body["metadata"]["uid"]]
        self._objects.update(resource, name, namespace, change)


def _disown(body: Body, owners: set[str]) -> None:
    left = [reference for reference in body["metadata"]["ownerReferences"] if reference["uid"] not in owners]
    body["metadata"]["ownerReferences"] = left
    if not left:
        del body["metadata"]["ownerReferences"]


def _unfinalize(body: Body, finalizer: str) -> None:
    left = [name for name in body["metadata"].get("finalizers") or () if name != finalizer]
    body["metadata"]["finalizers"] = left
    if not left:
        del body["metadata"]["finalizers"]
