"""Nodes: what they are, can take, and whether they are well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.monitoring.domain.state.series import State, quantity

ROLE = "node-role.kubernetes.io/"
STATUSES = ("true", "false", "unknown")
UNITS: Mapping[str, str] = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte"}
MASTER = ("master", "control-plane")
"""One role by its old name and its new one; expressions ask for the old."""


def node(item: Mapping[str, Any]) -> Iterator[State]:
    """Conditions, capacity, roles."""
    meta, status = item["metadata"], item.get("status") or {}
    name, own = meta.get("name", ""), {"node": meta.get("name", "")}
    yield "kube_node_info", {**own, "internal_ip": address(item)}, 1
    yield "kube_node_spec_unschedulable", own, float(bool((item.get("spec") or {}).get("unschedulable")))
    roles = {key.removeprefix(ROLE) for key in meta.get("labels") or {} if key.startswith(ROLE)}
    for role in sorted(roles | (set(MASTER[:1]) if roles & set(MASTER) else set())):
        yield "kube_node_role", {"node": name, "role": role}, 1
    for condition in status.get("conditions") or ():
        said = str(condition.get("status", "")).lower()
        for one in STATUSES:
            labels = {**own, "condition": str(condition.get("type", "")), "status": one}
            yield "kube_node_status_condition", labels, float(said == one)
    for what in ("capacity", "allocatable"):
        for resource, value in (status.get(what) or {}).items():
            labels = {**own, "resource": resource.replace("-", "_"), "unit": UNITS.get(resource, "integer")}
            yield f"kube_node_status_{what}", labels, quantity(value)


def address(item: Mapping[str, Any]) -> str:
    """A node's internal address, empty when it has none."""
    found = (item.get("status") or {}).get("addresses") or ()
    return next((str(one.get("address", "")) for one in found if one.get("type") == "InternalIP"), "")
