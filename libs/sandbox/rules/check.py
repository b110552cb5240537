"""What is checked of every object before it is put."""

from __future__ import annotations

from typing import Any

from libs.sandbox.resource import Resource
from libs.sandbox.rules import invalid, kinds
from libs.shared.errors import Flaw
from libs.shared.objects import meta

Body = dict[str, Any]


def new(resource: Resource, body: Body) -> None:
    """Raise `Invalid` where a new object is wrong."""
    metadata = body["metadata"]
    name = metadata.get("name", "")
    flaws = [*meta.check(metadata, name_rule=resource.rule)]
    if not name and not metadata.get("generateName"):
        flaws.insert(0, invalid.required("metadata.name", "name or generateName is required"))
    if not name and isinstance(prefix := metadata.get("generateName"), str) and prefix:
        flaws += [
            invalid.wrong("metadata.generateName", prefix, why) for why in resource.rule(prefix.rstrip("-.") or "x")
        ]
    invalid.refuse(resource, name, (*flaws, *kinds.flaws(resource, body)))


def change(resource: Resource, current: Body, body: Body) -> None:
    """Raise `Invalid` where the next version is wrong, or changes what stays."""
    flaws = [*meta.check(body["metadata"], name_rule=resource.rule), *_fixed(resource, current, body)]
    invalid.refuse(
        resource,
        current["metadata"]["name"],
        (*flaws, *kinds.flaws(resource, body), *kinds.fixed(resource, current, body)),
    )


def _fixed(resource: Resource, current: Body, body: Body) -> list[Flaw]:
    old, new_ = current["metadata"], body["metadata"]
    flaws = []
    if resource.custom and not new_.get("resourceVersion"):
        flaws.append(Flaw("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update"))
    if "deletionTimestamp" in old:
        added = sorted(set(new_.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            why = f"no new finalizers can be added if the object is being deleted, found new finalizers {added}"
            flaws.append(invalid.forbidden("metadata.finalizers", why))
    return flaws
