"""Create, replace, patch and delete: from a request's body to the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from libs.sandbox import crds
from libs.sandbox.api import view
from libs.sandbox.api.asked import Listing
from libs.sandbox.api.place import Place
from libs.sandbox.api.reads import chosen
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects
from libs.sandbox.rules import check, defaults, nulls, taken
from libs.sandbox.rules.shapes import kinds as shapes
from libs.shared.errors import Malformed, Missing

Body = dict[str, Any]
_SHOWN_DELETED: Final = frozenset(
    {"pods", "services", "serviceaccounts", "persistentvolumeclaims", "persistentvolumes", "podtemplates"}
    | {"resourcequotas", "customresourcedefinitions.apiextensions.k8s.io"}
)
"""Resources of which the deleted object is answered, and no Status."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to: the object in the version that is asked for."""

    body: Body
    made: bool = False


def create(objects: Objects, place: Place, sent: Body, *, dry: bool) -> Written:
    """Put what was sent as a new object; see `Objects.create` for what is raised, and `Invalid`, `Malformed`."""
    body = typed(place, sent)
    _placed(place, body)
    if body["metadata"].get("resourceVersion"):
        raise Malformed("version-given", "resourceVersion should not be set on objects to be created")
    if "status" in place.resource.subresources:
        body.pop("status", None)
    body = defaults.filled(place.resource, view.kept(place, body), objects)
    check.new(place.resource, body)
    taken.refuse(place.resource, body, objects)
    if place.vet is not None:
        place.vet(body)
    made = objects.create(place.resource.store, body, place.namespace, dry=dry)
    if not dry:
        crds.follow(objects, made)
    return Written(view.body(place, made), made=True)


def replace(objects: Objects, place: Place, sent: Body, *, dry: bool) -> Written:
    """Put what was sent in place of what stands."""
    body = typed(place, sent)
    _placed(place, body, place.name)
    return _put(objects, place, body, dry=dry)


def patch(objects: Objects, place: Place, change: Callable[[Body], Any], *, dry: bool) -> Written:
    """Put what a patch makes of what stands; `change` leaves its argument as it is."""
    current = view.body(place, objects.get(place.resource.store, place.name, place.namespace))
    patched = change(current)
    if not isinstance(patched, dict):
        raise Malformed("patch-no-object", "the patch has to result in an object")
    body = typed(place, patched)
    _placed(place, body, place.name)
    return _put(objects, place, body, dry=dry)


def _put(objects: Objects, place: Place, body: Body, *, dry: bool) -> Written:
    resource = place.resource
    current = objects.get(resource.store, place.name, place.namespace)
    body = view.kept(place, body)
    part = Part.STATUS if place.subresource == "status" else Part.MAIN
    if part is Part.MAIN:
        body = defaults.filled(resource, defaults.carried(resource, current, body), objects)
        check.change(resource, current, body)
        taken.refuse(resource, body, objects)
        if place.vet is not None:
            place.vet(body)
    put = objects.replace(resource.store, body, part, dry=dry)
    if not dry:
        crds.follow(objects, put)
    return Written(view.body(place, put))


def delete(objects: Objects, place: Place, wish: Deletion, *, dry: bool) -> tuple[Body, bool]:
    """The object as it is then or was last, and whether it is gone and is answered by a Status."""
    store = place.resource.store
    uid = objects.get(store, place.name, place.namespace)["metadata"]["uid"]
    crds.forget(objects, place.resource, place.name, dry=dry)
    body = objects.delete(store, place.name, place.namespace, wish=wish, dry=dry)
    left = objects.find(store, place.name, place.namespace)
    gone = left is None or left["metadata"]["uid"] != uid
    return view.body(place, body), gone and store not in _SHOWN_DELETED


def delete_all(objects: Objects, place: Place, asked: Listing, wish: Deletion, *, dry: bool) -> list[Body]:
    """Delete what the options choose; what somebody else deleted meanwhile is passed over."""
    found = []
    for stored in list(chosen(objects, place, asked)):
        metadata = stored.body["metadata"]
        one = Place(place.resource, place.version, metadata.get("namespace", ""), metadata["name"])
        try:
            body, _ = delete(objects, one, wish, dry=dry)
        except Missing:
            continue
        found.append(body)
    return found


def typed(place: Place, sent: Body) -> Body:
    """A copy of what was sent, of the kind that the path names, its fields of the right types and nothing null; raises
    `Malformed`.
    """
    version, kind = sent.get("apiVersion") or place.api_version, sent.get("kind") or place.resource.kind
    if version != place.api_version:
        raise Malformed(
            "version-mismatch",
            f"the API version in the data ({version[:80]}) does not match the expected API version "
            f"({place.api_version})",
        )
    if kind != place.resource.kind:
        raise Malformed(
            "kind-mismatch", f'{kind[:80]} in version "{place.version}" cannot be handled as a {place.resource.kind}'
        )
    body: Body = dict(sent) if place.resource.custom else nulls.dropped(sent)
    body |= {"apiVersion": version, "kind": kind, "metadata": nulls.dropped(sent.get("metadata") or {})}
    shapes.check(place.resource, view.kept(place, body))
    return body


def _placed(place: Place, body: Body, name: str = "") -> None:
    """Put the namespace and the name of the path where there are none; raises `Malformed` where they differ."""
    metadata = body["metadata"]
    namespace = metadata.get("namespace") or place.namespace
    if namespace != place.namespace:
        raise Malformed(
            "namespace-mismatch",
            "the namespace of the provided object does not match the namespace sent on the request",
        )
    if place.namespace:
        metadata["namespace"] = place.namespace
    else:
        metadata.pop("namespace", None)
    if not name:
        return
    if (given := metadata.get("name") or name) != name:
        text = f"the name of the object ({given}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    metadata["name"] = name
