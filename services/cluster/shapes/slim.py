"""Objects as far as their state is measured (observability 1.9): labels, owners, and what of spec and status counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.cluster.domain import resource
from services.cluster.domain.resource import JsonObject, Resource

SPEC: Mapping[str, tuple[str, ...]] = {
    "pods": ("nodeName", "hostNetwork", "priorityClassName", "serviceAccountName"),
    "deployments": ("replicas", "paused"),
    "statefulsets": ("replicas",),
    "replicasets": ("replicas",),
    "jobs": ("parallelism", "completions"),
    "cronjobs": ("schedule", "suspend"),
    "services": ("clusterIP", "type", "selector"),
    "persistentvolumeclaims": ("storageClassName", "volumeName", "resources", "accessModes"),
    "nodes": ("unschedulable", "taints"),
}
STATUS: Mapping[str, tuple[str, ...]] = {
    "pods": ("phase", "reason", "podIP", "hostIP", "startTime", "qosClass", "conditions", "containerStatuses"),
    "nodes": ("capacity", "allocatable", "conditions", "nodeInfo", "addresses"),
}
CONTAINER = ("name", "image", "resources")
KEPT = ("creationTimestamp", "deletionTimestamp", "generation", "ownerReferences", "labels", "uid")


def slim(wanted: Resource, found: JsonObject) -> dict[str, Any]:
    """One object. A status that isn't listed above is small, and goes whole."""
    about, spec, status = resource.metadata(found), found.get("spec") or {}, found.get("status") or {}
    chosen: dict[str, Any] = {key: spec[key] for key in SPEC.get(wanted.plural, ()) if key in spec}
    if wanted.plural == "pods":
        chosen["containers"] = [_only(one, CONTAINER) for one in spec.get("containers") or ()]
        chosen["claims"] = [
            {"volume": one.get("name", ""), "claim": one["persistentVolumeClaim"].get("claimName", "")}
            for one in spec.get("volumes") or ()
            if one.get("persistentVolumeClaim")
        ]
    return {
        "kind": wanted.kind,
        "namespace": resource.namespace(found),
        "name": resource.name(found),
        **_only(about, KEPT),
        "spec": chosen,
        "status": _only(status, STATUS[wanted.plural]) if wanted.plural in STATUS else status,
    }


def _only(found: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: found[key] for key in keys if key in found}
