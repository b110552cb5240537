"""ControllerRevisions: what StatefulSets and DaemonSets remember of their templates."""

from __future__ import annotations

from libs.sandbox.controllers.meta import Body, name_of, owned, reference_to, short_hash, space_of
from libs.sandbox.copying import copied
from libs.sandbox.objects import Objects

ID = "controllerrevisions.apps"
LABEL = "controller-revision-hash"


def present(objects: Objects, wanted: Body) -> Body:
    """The revision of the template as it is now, made where it isn't there; one that is used again gets the highest
    number.
    """
    namespace = space_of(wanted)
    known = owned(objects.list(ID, namespace), wanted)
    highest = max((int(each.get("revision", 0)) for each in known), default=0)
    name = f"{name_of(wanted)}-{short_hash(wanted['spec']['template'])}"
    found = next((each for each in known if name_of(each) == name), None)
    if found is None:
        return objects.create(ID, _revision(wanted, name, highest + 1), namespace)
    if int(found.get("revision", 0)) < highest:

        def raise_number(body: Body) -> None:
            body["revision"] = highest + 1

        return objects.update(ID, name, namespace, raise_number)
    return found


def _revision(wanted: Body, name: str, number: int) -> Body:
    template = copied(wanted["spec"]["template"])
    labels = {**((template.get("metadata") or {}).get("labels") or {}), LABEL: name.rsplit("-", 1)[-1]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [reference_to(wanted)]},
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": number,
    }


def tidy(objects: Objects, wanted: Body, used: set[str]) -> None:
    """Forget the oldest that no pod has, beyond what history keeps."""
    known = owned(objects.list(ID, space_of(wanted)), wanted)
    idle = sorted((each for each in known if name_of(each) not in used), key=lambda each: int(each.get("revision", 0)))
    surplus = len(idle) - int(wanted["spec"].get("revisionHistoryLimit", 10))
    for each in idle[: max(0, surplus)]:
        objects.delete(ID, name_of(each), space_of(each))
