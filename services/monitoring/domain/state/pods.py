"""Pods: where they are, whose, in what state, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.monitoring.domain.state.plain import place
from services.monitoring.domain.state.series import State, quantity

Object = Mapping[str, Any]
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
CONDITIONS: Mapping[str, str] = {"Ready": "kube_pod_status_ready", "PodScheduled": "kube_pod_status_scheduled"}
STATUSES = ("true", "false", "unknown")
UNITS: Mapping[str, str] = {"cpu": "core", "memory": "byte"}


def pod(item: Object) -> Iterator[State]:
    """All of it."""
    own, spec, status = place(item, "pod"), item.get("spec") or {}, item.get("status") or {}
    node = spec.get("nodeName", "")
    where = {"node": node, "host_ip": status.get("hostIP", ""), "pod_ip": status.get("podIP", "")}
    yield "kube_pod_info", {**own, **where, "uid": item["metadata"].get("uid", "")}, 1
    yield "kube_pod_owner", {**own, **owner(item)}, 1
    for phase in PHASES:
        yield "kube_pod_status_phase", {**own, "phase": phase}, float(status.get("phase") == phase)
    for condition in status.get("conditions") or ():
        name = CONDITIONS.get(str(condition.get("type")))
        for one in STATUSES if name else ():
            said = str(condition.get("status", "")).lower()
            yield str(name), {**own, "condition": one}, float(said == one)
    for container in status.get("containerStatuses") or ():
        yield from _container(own, container)
    for container in spec.get("containers") or ():
        yield from _wishes({**own, "node": node, "container": container.get("name", "")}, container)


def owner(item: Object) -> dict[str, str]:
    """Whoever controls it; a pod of its own has none."""
    found = next((one for one in item["metadata"].get("ownerReferences") or () if one.get("controller")), None)
    if found is None:
        return {"owner_kind": "<none>", "owner_name": "<none>", "owner_is_controller": "<none>"}
    return {"owner_kind": found["kind"], "owner_name": found["name"], "owner_is_controller": "true"}


def _container(own: dict[str, str], status: Object) -> Iterator[State]:
    labels = {**own, "container": status.get("name", "")}
    yield "kube_pod_container_status_restarts_total", labels, float(status.get("restartCount") or 0)
    yield "kube_pod_container_status_ready", labels, float(bool(status.get("ready")))
    waiting = (status.get("state") or {}).get("waiting")
    if waiting is not None:
        reason = {**labels, "reason": str(waiting.get("reason", ""))}
        yield "kube_pod_container_status_waiting_reason", reason, 1


def _wishes(labels: dict[str, str], container: Object) -> Iterator[State]:
    for what in ("requests", "limits"):
        for resource, value in ((container.get("resources") or {}).get(what) or {}).items():
            named = {"resource": resource.replace("-", "_"), "unit": UNITS.get(resource, "integer")}
            yield f"kube_pod_container_resource_{what}", {**labels, **named}, quantity(value)
