"""What lists of each kind can be narrowed and sorted by, beyond what all can (iam-gateway 9.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libs.shared.http.listing import Filter, SortKey, alias_of, created_of, name_of
from services.cluster.domain import resource
from services.cluster.domain.resource import JsonObject
from services.cluster.shapes.pods import bucket


def status(found: JsonObject) -> JsonObject:
    """An object's status."""
    said: JsonObject = found.get("status") or {}
    return said


def spec(found: JsonObject) -> JsonObject:
    """An object's spec."""
    said: JsonObject = found.get("spec") or {}
    return said


def workload_status(found: JsonObject) -> str:
    """`stopped`, `running` or `updating`: how many are ready beside how many are wanted."""
    now = status(found)
    if found.get("kind") == "DaemonSet":
        wanted, ready = now.get("desiredNumberScheduled") or 0, now.get("numberReady") or 0
    else:
        replicas = spec(found).get("replicas")
        wanted, ready = 1 if replicas is None else replicas, now.get("readyReplicas") or 0
    if ready == wanted:
        return "running" if wanted else "stopped"
    return "updating"


def job_status(found: JsonObject) -> str:
    """`completed`, `failed` or `running`."""
    kinds = {one.get("type") for one in status(found).get("conditions") or () if one.get("status") == "True"}
    if "Complete" in kinds:
        return "completed"
    return "failed" if "Failed" in kinds else "running"


def node_status(found: JsonObject) -> str:
    """`unschedulable`, `warning` or `running`."""
    if spec(found).get("unschedulable"):
        return "unschedulable"
    healthy = all((one.get("type") == "Ready") == (one.get("status") == "True") for one in _judged(found))
    return "running" if healthy else "warning"


def _judged(found: JsonObject) -> list[JsonObject]:
    """The conditions that say whether a node is well; of all but Ready, True is bad."""
    return [one for one in status(found).get("conditions") or () if one.get("status") != "Unknown" or _ready(one)]


def _ready(condition: JsonObject) -> bool:
    return condition.get("type") == "Ready"


def updated_of(found: JsonObject) -> tuple[str, str]:
    """When the latest condition changed; when it was made, without one."""
    changes = [
        str(one.get("lastUpdateTime") or one.get("lastTransitionTime") or "")
        for one in status(found).get("conditions") or ()
    ]
    return max(changes, default="") or created_of(found)[0], name_of(found)


def selects(found: JsonObject, text: str) -> bool:
    """Whether every term of a field selector holds: `path=value` or `path!=value` over the whole object."""
    return all(_term(found, term) for term in text.split(",") if term)


def _term(found: JsonObject, term: str) -> bool:
    if "!=" in term:
        path, _, value = term.partition("!=")
        return _at(found, path) != value
    path, equal, value = term.partition("=")
    return bool(equal) and _at(found, path) == value.removeprefix("=")


def _at(found: Any, path: str) -> str:
    for step in path.removeprefix(".").split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _mounts(found: JsonObject, claim: str) -> bool:
    volumes = spec(found).get("volumes") or ()
    return any((one.get("persistentVolumeClaim") or {}).get("claimName") == claim for one in volumes)


def _phase(found: JsonObject, value: str) -> bool:
    return str(status(found).get("phase", "")).lower() == value.lower()


def _class(found: JsonObject, value: str) -> bool:
    return bool(spec(found).get("storageClassName") == value)


def _kind_name(found: JsonObject, value: str) -> bool:
    return value in name_of(found) or value in str((spec(found).get("names") or {}).get("kind", ""))


WORKLOADS: Mapping[str, Filter] = {"status": lambda found, value: workload_status(found) == value}
FILTERS: Mapping[str, Mapping[str, Filter]] = {
    "deployments": WORKLOADS,
    "statefulsets": WORKLOADS,
    "daemonsets": WORKLOADS,
    "jobs": {"status": lambda found, value: job_status(found) == value},
    "cronjobs": {
        "status": lambda found, value: ("paused" if spec(found).get("suspend") else "running") == value,
    },
    "pods": {
        "nodeName": lambda found, value: spec(found).get("nodeName") == value,
        "pvcName": _mounts,
        "phase": lambda found, value: status(found).get("phase") == value,
        "status": lambda found, value: bucket(found) == value,
    },
    "secrets": {"fieldSelector": selects},
    "customresourcedefinitions": {"name": _kind_name},
    "namespaces": {"status": lambda found, value: status(found).get("phase") == value},
    "nodes": {"status": lambda found, value: node_status(found) == value},
    "persistentvolumeclaims": {"status": _phase, "storageClassName": _class},
    "persistentvolumes": {"status": _phase, "storageClassName": _class},
}
UPDATED: Mapping[str, SortKey] = {"updateTime": updated_of, "lastUpdateTimestamp": updated_of}
SORTS: Mapping[str, Mapping[str, SortKey]] = {
    "deployments": UPDATED,
    "jobs": {**UPDATED, "status": lambda found: (job_status(found), name_of(found))},
}


def matches_label(found: JsonObject, key: str, value: str) -> bool:
    """What an unknown key means in the older API: a label of this value."""
    return resource.labels(found).get(key) == value


def names_or_aliases(found: JsonObject, value: str) -> bool:
    """What a name means in the older API."""
    return value in name_of(found) or value in alias_of(found)
