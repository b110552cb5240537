"""How an object is made, changed and ended: what the server says in `metadata`, as pure functions.

Source: the generic registry of k8s.io/apiserver (rest.BeforeCreate, BeforeUpdate, BeforeDelete).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from libs.sandbox.copying import copied
from libs.sandbox.resource import Resource
from libs.shared.errors import Invalid
from libs.shared.objects import meta

GRACE = 30
"""Seconds that a Pod has to end, where it says nothing else."""
ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_FINALIZERS: Final[Mapping[str, str]] = {"Orphan": ORPHAN, "Foreground": FOREGROUND}
_KEPT: Final = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
"""What only the server says."""
_UNCOUNTED: Final = frozenset(
    {
        "namespaces",
        "nodes",
        "configmaps",
        "secrets",
        "services",
        "serviceaccounts",
        "events",
        "endpoints",
        "persistentvolumes",
        "persistentvolumeclaims",
        "resourcequotas",
        "limitranges",
        "podtemplates",
        "controllerrevisions.apps",
        "horizontalpodautoscalers.autoscaling",
        "leases.coordination.k8s.io",
    }
)
"""Resources without `metadata.generation`; RBAC and storage have none either."""

Body = dict[str, Any]


class Part(StrEnum):
    """Which part of an object a write takes."""

    ALL = "all"
    MAIN = "main"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Deletion:
    """How something is to be deleted: `policy` is Background, Foreground, Orphan or empty; `grace` in seconds."""

    policy: str = ""
    grace: int | None = None
    uid: str = ""
    version: str = ""


def made(kind: Resource, body: Body, namespace: str, *, at: datetime, uid: str, noise: str) -> Body:
    """A new object out of what was sent, which stays as it is; raises `Invalid` without a name."""
    body = copied(body)
    metadata = body["metadata"] = {**(body.get("metadata") or {})}
    for field in (*_KEPT, "resourceVersion", "selfLink"):
        metadata.pop(field, None)
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            raise Invalid("name-missing", "name or generateName is required", resource=kind.id)
        metadata["name"] = meta.generated_name(metadata["generateName"], bytes.fromhex(noise.replace("-", ""))[-5:])
    metadata.pop("namespace", None) if not kind.namespaced else metadata.setdefault("namespace", namespace)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = meta.instant(at)
    if counted(kind):
        metadata["generation"] = 1
    return body


def counted(kind: Resource) -> bool:
    """Whether its changes are counted in `metadata.generation`."""
    return kind.id not in _UNCOUNTED and not kind.group.startswith(("rbac.", "storage."))


def following(kind: Resource, current: Body, body: Body, part: Part) -> Body:
    """The version after this write, its resourceVersion still the old one."""
    if part is Part.STATUS:
        rest = {key: value for key, value in current.items() if key != "status"}
        return rest if body.get("status") is None else {**rest, "status": copied(body["status"])}
    body = copied(body)
    if part is Part.MAIN and "status" in kind.subresources:
        body.pop("status", None)
        if "status" in current:
            body["status"] = current["status"]
    body["metadata"] = _metadata(current["metadata"], body["metadata"])
    body["apiVersion"], body["kind"] = current["apiVersion"], current["kind"]
    if "generation" in body["metadata"] and _main(body) != _main(current):
        body["metadata"]["generation"] += 1
    return body


def _metadata(old: Body, new: Body) -> Body:
    """What was sent, with the server's own fields as they stand."""
    own = (*_KEPT, "resourceVersion", "namespace", "generateName")
    kept = {key: value for key, value in new.items() if key not in (*own, "selfLink")}
    kept |= {key: old[key] for key in own if key in old}
    if "managedFields" not in kept and "managedFields" in old:
        kept["managedFields"] = old["managedFields"]
    return kept


def _main(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def marked(kind: Resource, current: Body, wish: Deletion, at: datetime) -> Body:
    """The object as somebody wants it deleted; `ended` tells whether anything is left to be waited for."""
    metadata = {**current["metadata"]}
    body = {**current, "metadata": metadata}
    if wish.policy:
        _propagate(metadata, wish.policy)
    grace = _grace(kind, current, wish)
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = meta.instant(at + timedelta(seconds=grace))
        metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            metadata["generation"] += 1
    elif grace < metadata.get("deletionGracePeriodSeconds", 0):
        metadata["deletionGracePeriodSeconds"] = grace
    if kind.id == "namespaces":
        body["status"] = {**(current.get("status") or {}), "phase": "Terminating"}
        if not (current.get("spec") or {}).get("finalizers"):
            body.pop("spec", None)
    return body


def _propagate(metadata: Body, policy: str) -> None:
    kept = [name for name in metadata.get("finalizers") or () if name not in _FINALIZERS.values()]
    if policy in _FINALIZERS:
        kept.append(_FINALIZERS[policy])
    metadata["finalizers"] = kept
    if not kept:
        del metadata["finalizers"]


def _grace(kind: Resource, current: Body, wish: Deletion) -> int:
    """Seconds that it is given: only a Pod that runs somewhere has any."""
    spec = current.get("spec") or {}
    if kind.id != "pods" or not spec.get("nodeName"):
        return 0
    if (current.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    own = spec.get("terminationGracePeriodSeconds")
    return wish.grace if wish.grace is not None else GRACE if own is None else int(own)


def ended(body: Body) -> bool:
    """Whether it is to be deleted, and nothing has to be waited for."""
    metadata = body["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if metadata.get("deletionGracePeriodSeconds"):
        return False
    return body["kind"] != "Namespace" or not (body.get("spec") or {}).get("finalizers")
