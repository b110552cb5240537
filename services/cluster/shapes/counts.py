"""What a namespace's overview says: objects counted beside its quota, workloads that are not well, components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.cluster.domain import resource
from services.cluster.domain.quantity import binary, cores, number
from services.cluster.domain.resource import JsonObject
from services.cluster.shapes.filters import spec, status, workload_status

COUNTED: Mapping[str, str] = {
    "count/pods": "pods",
    "count/daemonsets.apps": "daemonsets",
    "count/deployments.apps": "deployments",
    "count/ingresses.extensions": "ingresses",
    "count/services": "services",
    "count/statefulsets.apps": "statefulsets",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "count/jobs.batch": "jobs",
    "count/cronjobs.batch": "cronjobs",
    "count/s2ibuilders.devops.kubesphere.io": "s2ibuilders",
}
"""What is counted where no quota says it -> whose objects; nothing is said of a kind that the cluster does not have."""
WORKLOADS = ("deployments", "statefulsets", "daemonsets")
SYSTEM = (
    "kubesphere-system",
    "kubesphere-logging-system",
    "kubesphere-monitoring-system",
    "openpitrix-system",
    "kube-system",
    "istio-system",
    "kubesphere-devops-system",
    "porter-system",
)


def quotas(namespace: str, counts: Mapping[str, int | None], found: Iterable[JsonObject]) -> dict[str, Any]:
    """Hard bounds (the smaller of two), what is used, and what is left of it."""
    hard: dict[str, str] = {}
    used: dict[str, str] = {}
    for quota in found:
        _merge(hard, status(quota).get("hard") or {})
        _merge(used, status(quota).get("used") or {})
    for key, plural in COUNTED.items():
        if counts[plural] is not None:
            used.setdefault(key, str(counts[plural]))
    left = {key: _left(key, hard[key], used[key]) for key in hard if key in used}
    data = {"hard": hard, "used": used, "left": left}
    return {"namespace": namespace, "data": {key: value for key, value in data.items() if value}}


def _merge(into: dict[str, str], said: Mapping[str, str]) -> None:
    for key, value in said.items():
        if key not in into or number(value) < number(into[key]):
            into[key] = value


def _left(key: str, hard: str, used: str) -> str:
    rest = max(number(hard) - number(used), number("0"))
    return binary(rest) if "memory" in key or "storage" in key else cores(rest)


def abnormal(namespace: str, objects: Mapping[str, Iterable[JsonObject]]) -> dict[str, Any]:
    """How many workloads are being updated, jobs failed, claims are not bound."""
    data = {plural: sum(1 for one in objects[plural] if workload_status(one) == "updating") for plural in WORKLOADS}
    data["jobs"] = sum(1 for one in objects["jobs"] if _job_failed(one))
    data["persistentvolumeclaims"] = sum(
        1 for one in objects["persistentvolumeclaims"] if status(one).get("phase") in ("Pending", "Lost")
    )
    return {"namespace": namespace, "data": data}


def _job_failed(job: JsonObject) -> bool:
    now = status(job)
    active, failed, succeeded = (now.get(word) or 0 for word in ("active", "failed", "succeeded"))
    return not active and (bool(failed) or not succeeded)


def components(services: Iterable[JsonObject], pods: Iterable[JsonObject]) -> list[dict[str, Any]]:
    """Each service with a selector in a system namespace, with how many of its pods are well."""
    by_namespace: dict[str, list[JsonObject]] = {}
    for pod in pods:
        by_namespace.setdefault(resource.namespace(pod), []).append(pod)
    return [
        _component(service, backends(service, by_namespace.get(resource.namespace(service), ())))
        for service in sorted(services, key=lambda one: (resource.namespace(one), resource.name(one)))
        if resource.namespace(service) in SYSTEM and spec(service).get("selector")
    ]


def backends(service: JsonObject, pods: Iterable[JsonObject]) -> list[JsonObject]:
    """The pods that a service's selector means; none without a selector."""
    wanted = spec(service).get("selector") or {}
    return [pod for pod in pods if wanted and wanted.items() <= resource.labels(pod).items()]


def _component(service: JsonObject, pods: list[JsonObject]) -> dict[str, Any]:
    about = resource.metadata(service)
    name, namespace = resource.name(service), resource.namespace(service)
    return {
        "name": name,
        "namespace": namespace,
        "selfLink": f"/api/v1/namespaces/{namespace}/services/{name}",
        "label": spec(service).get("selector"),
        "startedAt": about.get("creationTimestamp"),
        "totalBackends": len(pods),
        "healthyBackends": sum(1 for pod in pods if _healthy(pod)),
    }


def _healthy(pod: JsonObject) -> bool:
    return status(pod).get("phase") == "Running" and all(
        one.get("ready") for one in status(pod).get("containerStatuses") or ()
    )


def nodes(found: Iterable[JsonObject]) -> dict[str, int]:
    """How many nodes there are, and how many are ready."""
    known = list(found)
    ready = [
        one
        for one in known
        if any(c.get("type") == "Ready" and c.get("status") == "True" for c in status(one).get("conditions") or ())
    ]
    return {"totalNodes": len(known), "healthyNodes": len(ready)}
