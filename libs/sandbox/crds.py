"""CustomResourceDefinitions: what one declares is served as soon as it is made, and no longer than it is there."""

from __future__ import annotations

from typing import Any, Final

from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects
from libs.sandbox.resource import Resource
from libs.shared.objects import meta

CRDS: Final = "customresourcedefinitions.apiextensions.k8s.io"
Body = dict[str, Any]


def follow(objects: Objects, body: Body) -> None:
    """After a write: serve what a definition declares, and say so in its status."""
    if body["kind"] != "CustomResourceDefinition":
        return
    declared = resource(body)
    if declared is None or "deletionTimestamp" in body["metadata"]:
        return
    taken = _taken(objects, declared)
    if not taken and objects.catalogue.by_id(declared.id) != declared:
        objects.catalogue.add(declared)
    metadata = body["metadata"]
    current = objects.find(CRDS, metadata["name"])
    if current is not None:
        at = meta.instant(objects.clock())
        objects.replace(CRDS, {**current, "status": _status(current, at, taken=taken)}, Part.STATUS)


def serve_all(objects: Objects) -> None:
    """Serve what the definitions that are kept declare."""
    for body in objects.list(CRDS):
        if (declared := resource(body)) is not None and not _taken(objects, declared):
            objects.catalogue.add(declared)


def _taken(objects: Objects, declared: Resource) -> bool:
    """Whether another resource of the group has its kind."""
    found = (objects.catalogue.by_kind(declared.at(version), declared.kind) for version in declared.versions)
    return any(other is not None and other.id != declared.id for other in found)


def forget(objects: Objects, place: Resource, name: str, *, dry: bool) -> None:
    """Before a definition is deleted: remove its objects, and serve them no longer."""
    body = objects.find(CRDS, name) if place.id == CRDS and not dry else None
    declared = resource(body) if body else None
    if declared is None:
        return
    for found in objects.list(declared.id):
        metadata = found["metadata"]
        objects.delete(declared.id, metadata["name"], metadata.get("namespace", ""), wish=Deletion())
    if not objects.list(declared.id):
        objects.catalogue.remove(declared.id)


def resource(body: Body) -> Resource | None:
    """What a definition declares, None where it is incomplete."""
    spec = body.get("spec") or {}
    names = spec.get("names") or {}
    served = [version for version in spec.get("versions") or () if version.get("served")]
    if not (spec.get("group") and names.get("plural") and names.get("kind") and served):
        return None
    served.sort(key=lambda version: not version.get("storage"))
    subresources = {name for version in served for name in version.get("subresources") or {}}
    return Resource(
        group=spec["group"],
        versions=tuple(version["name"] for version in served),
        plural=names["plural"],
        kind=names["kind"],
        namespaced=spec.get("scope", "Namespaced") == "Namespaced",
        singular=names.get("singular") or names["kind"].lower(),
        short=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(sorted(subresources)),
        custom=True,
    )


def _status(body: Body, at: str, *, taken: bool) -> Body:
    names = body["spec"]["names"]
    old = body.get("status") or {}
    accepted = {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List", **names}
    stored = [version["name"] for version in body["spec"]["versions"] if version.get("storage")]
    if taken:
        told = (
            ("NamesAccepted", "False", "KindConflict", f'"{names["kind"]}" is already in use'),
            ("Established", "False", "NotAccepted", "not all names are accepted"),
        )
    else:
        told = (
            ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
            ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    before = {condition.get("type"): condition for condition in old.get("conditions") or ()}
    return {
        "conditions": [_condition(before.get(row[0]), at, row) for row in told],
        "acceptedNames": {} if taken else accepted,
        "storedVersions": sorted({*(old.get("storedVersions") or ()), *stored}),
    }


def _condition(before: Body | None, at: str, told: tuple[str, str, str, str]) -> Body:
    """As it stood where its status has not changed."""
    kind, status, reason, message = told
    if before is not None and before.get("status") == status:
        return before
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}
