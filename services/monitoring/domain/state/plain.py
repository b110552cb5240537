"""Namespaces, services, claims and what else is told in a line or two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.monitoring.domain.state.series import State, label_name, quantity

Object = Mapping[str, Any]
WORKSPACE = "kubesphere.io/workspace"


def place(item: Object, label: str) -> dict[str, str]:
    """Namespace and name."""
    meta = item["metadata"]
    return {"namespace": meta.get("namespace", ""), label: meta.get("name", "")}


def namespace(item: Object) -> Iterator[State]:
    """Its labels, the workspace among them under its own name: all that is asked of workspaces joins on that."""
    name, labels = item["metadata"].get("name", ""), item["metadata"].get("labels") or {}
    told = {label_name(key): str(value) for key, value in labels.items()}
    yield "kube_namespace_labels", {**told, "namespace": name, "workspace": str(labels.get(WORKSPACE, ""))}, 1


def named(label: str) -> Callable[[Object], Iterator[State]]:
    """`kube_<label>_labels` of each."""
    return lambda item: iter([(f"kube_{label}_labels", place(item, label), 1.0)])


def counted(label: str) -> Callable[[Object], Iterator[State]]:
    """`kube_<label>_info` of each."""
    return lambda item: iter([(f"kube_{label}_info", place(item, label), 1.0)])


def secret(item: Object) -> Iterator[State]:
    """That it is there; nothing of what it holds."""
    yield "kube_secret_info", place(item, "secret"), 1


def service(item: Object) -> Iterator[State]:
    """Its address."""
    yield (
        "kube_service_info",
        {**place(item, "service"), "cluster_ip": (item.get("spec") or {}).get("clusterIP", "")},
        1,
    )


def volume(item: Object) -> Iterator[State]:
    """That it is there."""
    yield "kube_persistentvolume_labels", {"persistentvolume": item["metadata"].get("name", "")}, 1


def claim(item: Object) -> Iterator[State]:
    """Its class and volume."""
    spec = item.get("spec") or {}
    more = {"storageclass": spec.get("storageClassName", ""), "volumename": spec.get("volumeName", "")}
    yield "kube_persistentvolumeclaim_info", {**place(item, "persistentvolumeclaim"), **more}, 1


def resource_quota(item: Object) -> Iterator[State]:
    """What is allowed and what is used."""
    status = item.get("status") or {}
    hard = status.get("hard") or (item.get("spec") or {}).get("hard") or {}
    for kind, several in (("hard", hard), ("used", status.get("used") or {})):
        for resource, value in several.items():
            yield (
                "kube_resourcequota",
                {**place(item, "resourcequota"), "resource": resource, "type": kind},
                quantity(value),
            )
