"""What a path and its filters select: the selectors of a level's expressions (spec 1.5).

Filters are quoted as values, whatever they hold, so that none of them ends its selector and reads what another may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.monitoring.domain.answer import Row
from services.monitoring.domain.named import either, exactly, like

KINDS: Mapping[str, str] = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
GLOBAL_GATEWAY = "kubesphere-system"
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Three selectors; `by_metric` replaces the second one of metrics with this in their names. `pairs` are the
    namespaces and pods that alone are told.
    """

    first: str = ""
    second: str = ""
    third: str = ""
    by_metric: tuple[tuple[str, str], ...] = ()
    pairs: Pairs | None = None


def scope_of(level: str, path: Mapping[str, str], query: Mapping[str, str]) -> Scope:
    """Of a level; `path` has what the path names, `query` the filters."""
    wanted = query.get("resources_filter", "")
    match level:
        case "node" | "container" | "namespace" | "workspace" | "pvc":
            return Scope(_listed(level, path, wanted))
        case "workload":
            return _workload(path, wanted)
        case "pod":
            return _pod(path, query, wanted)
        case "ingress":
            return _ingress(path, query, wanted)
    return Scope()


def _listed(level: str, path: Mapping[str, str], wanted: str) -> str:
    """One resource, or those of a place that the filter finds."""
    label = {"pvc": "persistentvolumeclaim"}.get(level, level)
    one = path.get(level, "")
    inside = [exactly(name, path[name]) for name in _places(level) if path.get(name)]
    own = exactly(label, one) if one else like(label, wanted)
    anywhere = ['workspace!=""'] if level == "workspace" and not one else []
    return ", ".join([*inside, own, *anywhere])


def _places(level: str) -> tuple[str, ...]:
    return {"namespace": ("workspace",), "container": ("pod", "namespace"), "pvc": ("namespace", "storageclass")}.get(
        level, ()
    )


def _workload(path: Mapping[str, str], wanted: str) -> Scope:
    namespace = exactly("namespace", path["namespace"])
    kind = KINDS.get(path.get("kind", ""), ".*")
    named = f"{kind}:({wanted or '.*'})"
    first = f"{namespace}, {like('workload', named)}"
    by_metric = tuple((f"_{k}_", f'{namespace}, {k}!="", {like(k, wanted)}') for k in KINDS)
    return Scope(first, by_metric=by_metric)


def _pod(path: Mapping[str, str], query: Mapping[str, str], wanted: str) -> Scope:
    owner = _owner(path.get("kind", ""), path.get("workload", ""))
    if "pod" in path:
        pod = exactly("pod", path["pod"])
        place = exactly("node", path["node"]) if "node" in path else exactly("namespace", path["namespace"])
        return Scope(owner, f"{pod}, {place}")
    if "namespace" in path:
        return Scope(owner, f"{like('pod', wanted)}, {exactly('namespace', path['namespace'])}")
    pairs = _pairs(query.get("namespaced_resources_filter", ""))
    chosen = [exactly("node", path["node"])] if "node" in path else []
    if wanted and "node" in path:
        chosen.append(like("pod", wanted))
    if pairs is not None:
        chosen.append(like("namespace", either(sorted({namespace for namespace, _ in pairs}))))
        chosen.append(like("pod", either(sorted({pod for _, pod in pairs}))))
    return Scope(owner, ", ".join(chosen), pairs=pairs)


def _owner(kind: str, workload: str) -> str:
    """Pods of a workload; a Deployment's ReplicaSets have its name and one part more, of ten characters at most."""
    if not workload or kind not in KINDS:
        return ""
    if kind == "deployment":
        name = like("owner_name", f"^{re.escape(workload)}-[^-]{{1,10}}$")
        return f"{exactly('owner_kind', 'ReplicaSet')}, {name}"
    return f"{exactly('owner_kind', KINDS[kind])}, {exactly('owner_name', workload)}"


def _pairs(text: str) -> Pairs | None:
    """`ns1/pod1|ns2/pod2`; None without one."""
    items = [item.removesuffix("$").partition("/") for item in text.split("|") if item]
    return frozenset((namespace, pod) for namespace, _, pod in items) if items else None


def pairs_of(rows: Sequence[Row], pairs: Pairs) -> tuple[Row, ...]:
    """Those rows alone that are one of the pairs."""
    return tuple(row for row in rows if (row.metric.get("namespace", ""), row.metric.get("pod", "")) in pairs)


def _ingress(path: Mapping[str, str], query: Mapping[str, str], wanted: str) -> Scope:
    namespace, one = path["namespace"], path.get("ingress", "")
    place = [] if namespace == GLOBAL_GATEWAY else [exactly("exported_namespace", namespace)]
    first = ", ".join([*place, exactly("ingress", one) if one else like("ingress", wanted)])
    return Scope(first, exactly("job", query["job"]) if query.get("job") else "", query["duration"])
