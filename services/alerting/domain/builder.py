"""Expressions from what the console's form says (`exprBuilder`): a threshold on series of workloads or nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.alerting.domain.matcher import literal
from services.alerting.domain.numbers import plain
from services.alerting.domain.resource import Level

COMPARATORS = frozenset({"<", "<=", ">", ">="})
WORKLOAD: Mapping[str, str] = {
    "cpu.usage": "namespace:workload_cpu_usage:sum",
    "memory.usage": "namespace:workload_memory_usage:sum",
    "memory.usageWoCache": "namespace:workload_memory_usage_wo_cache:sum",
    "network.transmittedRate": "namespace:workload_net_bytes_transmitted:sum_irate",
    "network.receivedRate": "namespace:workload_net_bytes_received:sum_irate",
    "replica.unavailableRatio": "namespace:{kind}_unavailable_replicas:ratio",
}
NODE: Mapping[str, str] = {
    "cpu.utilization": "node:node_cpu_utilisation:avg1m",
    "cpu.load1m": "node:load1:ratio",
    "cpu.load5m": "node:load5:ratio",
    "cpu.load15m": "node:load15:ratio",
    "memory.utilization": "node:node_memory_utilisation:",
    "memory.available": "node:node_memory_bytes_available:sum",
    "network.transmittedRate": "node:node_net_bytes_transmitted:sum_irate",
    "network.receivedRate": "node:node_net_bytes_received:sum_irate",
    "disk.spaceUtilization": "node:disk_space_utilization:ratio",
    "disk.spaceAvailable": "node:disk_space_available:",
    "disk.inodeUtilization": "node:disk_inode_utilization:ratio",
    "disk.iopsRead": "node:data_volume_iops_reads:sum",
    "disk.iopsWrite": "node:data_volume_iops_writes:sum",
    "disk.throughputRead": "node:data_volume_throughput_bytes_read:sum",
    "disk.throughputWrite": "node:data_volume_throughput_bytes_write:sum",
    "pod.utilization": "node:pod_utilization:ratio",
    "pod.abnormalRatio": "node:pod_abnormal:ratio",
}
KINDS = frozenset({"deployment", "statefulset", "daemonset"})
"""What series of replicas there are of."""


class Scoped(NamedTuple):
    """The names that a global builder lists, with the clusters and namespaces that they are in."""

    names: list[str]
    clusters: list[str]
    namespaces: list[str]


def built(builder: Mapping[str, Any], level: Level) -> tuple[str, Scoped]:
    """The expression, empty where the builder says too little, and what its names are in (spec 5.2)."""
    what = "node" if level is Level.CLUSTER else "workload"
    if level is Level.GLOBAL and "node" in builder:
        what = "node"
    form = builder.get(what)
    if not isinstance(form, Mapping):
        return "", Scoped([], [], [])
    scoped = _scoped(form.get("names"), level)
    threshold = _threshold(form.get("metricThreshold"), NODE if what == "node" else WORKLOAD)
    comparator = form.get("comparator")
    if not scoped.names or threshold is None or comparator not in COMPARATORS:
        return "", scoped
    series, limit = threshold
    kind = str(form.get("kind", ""))
    if "{kind}" in series:
        if kind.lower() not in KINDS:
            return "", scoped
        series = series.format(kind=kind.lower())
    selected = _selected(what, "" if what == "node" else f"{kind}:", scoped.names)
    return f"{series}{{{selected}}} {comparator} {limit}", scoped


def _scoped(listed: Any, level: Level) -> Scoped:
    """Names as texts; of a global builder objects of cluster, namespace and names."""
    found = Scoped([], [], [])
    for one in listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ():
        if level is not Level.GLOBAL:
            found.names.append(str(one))
        elif isinstance(one, Mapping):
            inner = one.get("names")
            found.names.extend(str(name) for name in (inner if isinstance(inner, Sequence) else ()))
            found.clusters.extend([str(one["cluster"])] if one.get("cluster") else [])
            found.namespaces.extend([str(one["namespace"])] if one.get("namespace") else [])
    return Scoped(*(list(dict.fromkeys(part)) for part in found))


def _threshold(form: Any, series: Mapping[str, str]) -> tuple[str, str] | None:
    """The one threshold that is set: its series and its number."""
    if not isinstance(form, Mapping):
        return None
    for thing, measures in form.items():
        for measure, limit in measures.items() if isinstance(measures, Mapping) else ():
            name = f"{thing}.{measure}"
            if name in series and isinstance(limit, int | float) and not isinstance(limit, bool):
                return series[name], plain(float(limit))
    return None


def _selected(label: str, before: str, names: Sequence[str]) -> str:
    """One value exactly, or several by an expression; whatever a name holds, it ends no text."""
    if len(names) == 1:
        return f"{label}={json.dumps(before + names[0], ensure_ascii=False)}"
    either = "|".join(map(literal, names))
    return f"{label}=~{json.dumps(f'{before}({either})', ensure_ascii=False)}"
