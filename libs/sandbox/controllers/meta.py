"""What every controller asks of an object: who owns it, what it selects, in which condition it is. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from libs.sandbox.copying import copied
from libs.shared.objects.meta import GENERATED_ALPHABET, instant, moment
from libs.shared.objects.selectors import Operator, Requirement, Selector

Body = dict[str, Any]
Seen = Mapping[str, Any]
"""An object that is shared: read, never changed."""

_OPERATORS: Final = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}


def name_of(body: Seen) -> str:
    """`metadata.name`."""
    return str(body["metadata"]["name"])


def space_of(body: Seen) -> str:
    """`metadata.namespace`, empty where it has none."""
    return str(body["metadata"].get("namespace", ""))


def labels_of(body: Seen) -> dict[str, str]:
    """`metadata.labels`."""
    return dict(body["metadata"].get("labels") or {})


def ending(body: Seen) -> bool:
    """Whether somebody has deleted it."""
    return "deletionTimestamp" in body["metadata"]


def controller_of(body: Seen) -> Mapping[str, Any] | None:
    """The one owner that controls it."""
    owners = body["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def owned(candidates: Iterable[Body], owner: Seen) -> list[Body]:
    """Those that this object controls."""
    uid = owner["metadata"]["uid"]
    return [body for body in candidates if (controller_of(body) or {}).get("uid") == uid]


def reference_to(owner: Seen) -> Body:
    """An owner reference by which this object controls another."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selector_of(selector: Seen | None) -> Selector | None:
    """A label selector as objects carry it; None for one that is absent or empty, which no workload may have."""
    selector = selector or {}
    wanted = [Requirement(key, Operator.EQUALS, (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        values = tuple(sorted(set(expression.get("values") or ())))
        wanted.append(Requirement(expression["key"], _OPERATORS[expression["operator"]], values))
    return Selector(tuple(sorted(wanted, key=lambda requirement: requirement.key))) if wanted else None


def short_hash(value: Any, digits: int = 10) -> str:
    """A short name for a value, in the letters that generated names have."""
    digest = hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=digits).digest()
    return "".join(GENERATED_ALPHABET[byte % len(GENERATED_ALPHABET)] for byte in digest)


def with_condition(status: Body, kind: str, value: bool, words: tuple[str, str], at: datetime) -> bool:
    """Set one condition in this status, by reason and message, keeping `lastTransitionTime` where its value stays;
    whether that said anything new.
    """
    text = "True" if value else "False"
    reason, message = words
    before = condition_of({"status": status}, kind)
    if before and (before["status"], before.get("reason", ""), before.get("message", "")) == (text, reason, message):
        return False
    after = {
        "type": kind,
        "status": text,
        "reason": reason,
        "message": message,
        "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == text else instant(at),
    }
    if not reason:
        del after["reason"], after["message"]
    others = [entry for entry in status.get("conditions") or () if entry["type"] != kind]
    status["conditions"] = [*others, after]
    return True


def condition_of(body: Seen, kind: str) -> Mapping[str, Any]:
    """The condition of this type; empty where it has none."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((entry for entry in conditions if entry["type"] == kind), {})


def is_true(body: Seen, kind: str) -> bool:
    """Whether this condition holds."""
    return condition_of(body, kind).get("status") == "True"


def done(pod: Seen) -> bool:
    """Whether a pod has run to its end, well or not."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def ready(pod: Seen) -> bool:
    """Whether a pod serves."""
    return is_true(pod, "Ready")


def available_in(pod: Seen, least: float, now: datetime) -> float | None:
    """Seconds until a pod has been ready for `least` seconds; 0 when it has, None while it isn't ready."""
    condition = condition_of(pod, "Ready")
    if condition.get("status") != "True":
        return None
    since = moment(condition.get("lastTransitionTime") or "")
    return max(0.0, least - (now - since).total_seconds()) if since else 0.0


def pod_of(template: Seen, owner: Seen, *, labels: Mapping[str, str] | None = None, name: str = "") -> Body:
    """A pod out of a template, controlled by the owner; it gets a generated name where none is given."""
    shape = template.get("metadata") or {}
    naming = {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
    metadata = {
        **naming,
        "namespace": space_of(owner),
        "labels": {**(shape.get("labels") or {}), **(labels or {})},
        "annotations": dict(shape.get("annotations") or {}),
        "ownerReferences": [reference_to(owner)],
    }
    if shape.get("finalizers"):
        metadata["finalizers"] = list(shape["finalizers"])
    spec = copied(dict(template.get("spec") or {}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def share(value: Any, whole: int, *, up: bool) -> int:
    """A number, or a percentage of the whole: `25%`."""
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * whole
        return -(-part // 100) if up else part // 100
    return int(value)
