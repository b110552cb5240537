"""Subresources that are more than a part of their object: scale, finalize, eviction."""

from __future__ import annotations

from typing import Any

from libs.sandbox.api.place import Place
from libs.sandbox.api.writes import delete
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects
from libs.sandbox.rules import invalid
from libs.sandbox.rules.shapes.typed import NUMBER
from libs.shared.errors import Flaw, Malformed

Body = dict[str, Any]


def scale(body: Body) -> Body:
    """The Scale of a workload."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Body = {"replicas": (body.get("status") or {}).get("replicas", 0)}
    if selector := _selector(spec.get("selector")):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in kept if field in metadata},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": status,
    }


def _selector(selector: Any) -> str:
    labels = selector.get("matchLabels", selector) if isinstance(selector, dict) else {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if isinstance(value, str))


def put_scale(objects: Objects, place: Place, sent: Body, *, dry: bool) -> Body:
    """Set the replicas that a Scale says; raises `Invalid`, `Malformed`, `Stale`."""
    wanted = sent.get("spec")
    replicas = wanted.get("replicas", 0) if isinstance(wanted, dict) else None
    if replicas is None or not NUMBER.fits(replicas):
        raise Malformed("scale-unreadable", f"spec.replicas of a Scale has to be {NUMBER.what}")
    if replicas < 0:
        flaw = invalid.wrong("spec.replicas", replicas, "must be greater than or equal to 0")
        invalid.refuse(place.resource, place.name, (flaw,))
    current = objects.get(place.resource.store, place.name, place.namespace)
    given = (sent.get("metadata") or {}).get("resourceVersion")
    body = {**current, "spec": {**(current.get("spec") or {}), "replicas": replicas}}
    body["metadata"] = {**current["metadata"], "resourceVersion": given or ""}
    return scale(objects.replace(place.resource.store, body, Part.MAIN, dry=dry))


def finalize(objects: Objects, place: Place, sent: Body, *, dry: bool) -> Body:
    """Take a Namespace's own finalizers from what was sent."""
    spec = sent.get("spec") or {}
    wanted = spec.get("finalizers") or [] if isinstance(spec, dict) else None
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        flaw = Flaw("spec.finalizers", "must be a list of texts")
        invalid.refuse(place.resource, place.name, (flaw,))
    current = objects.get(place.resource.store, place.name)
    given = (sent.get("metadata") or {}).get("resourceVersion") or ""
    body = {**current, "spec": {**(current.get("spec") or {}), "finalizers": wanted}}
    body["metadata"] = {**current["metadata"], "resourceVersion": given}
    return objects.replace(place.resource.store, body, dry=dry)


def evict(objects: Objects, place: Place, sent: Body, *, dry: bool) -> None:
    """Delete a Pod as its Eviction asks."""
    options = sent.get("deleteOptions") or {}
    grace = options.get("gracePeriodSeconds") if isinstance(options, dict) else None
    wish = Deletion(grace=grace if isinstance(grace, int) else None)
    delete(objects, Place(place.resource, place.version, place.namespace, place.name), wish, dry=dry)
