"""Workloads: how many replicas are wanted and there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.monitoring.domain.state.plain import place
from services.monitoring.domain.state.series import State

Object = Mapping[str, Any]


def _number(of: Object, field: str) -> float:
    return float(of.get(field) or 0)


def deployment(item: Object) -> Iterator[State]:
    """Replicas wanted, available, unavailable."""
    own, status = place(item, "deployment"), item.get("status") or {}
    yield "kube_deployment_labels", own, 1
    yield "kube_deployment_spec_replicas", own, _number(item.get("spec") or {}, "replicas")
    yield "kube_deployment_status_replicas", own, _number(status, "replicas")
    yield "kube_deployment_status_replicas_available", own, _number(status, "availableReplicas")
    yield "kube_deployment_status_replicas_unavailable", own, _number(status, "unavailableReplicas")


def replica_set(item: Object) -> Iterator[State]:
    """That it is there, and its replicas."""
    own = place(item, "replicaset")
    yield "kube_replicaset_labels", own, 1
    yield "kube_replicaset_spec_replicas", own, _number(item.get("spec") or {}, "replicas")


def stateful_set(item: Object) -> Iterator[State]:
    """Replicas wanted, current, ready."""
    own, status = place(item, "statefulset"), item.get("status") or {}
    yield "kube_statefulset_labels", own, 1
    yield "kube_statefulset_replicas", own, _number(item.get("spec") or {}, "replicas")
    yield "kube_statefulset_status_replicas_current", own, _number(status, "currentReplicas")
    yield "kube_statefulset_status_replicas_ready", own, _number(status, "readyReplicas")


def daemon_set(item: Object) -> Iterator[State]:
    """Pods wanted, available, unavailable."""
    own, status = place(item, "daemonset"), item.get("status") or {}
    yield "kube_daemonset_labels", own, 1
    yield "kube_daemonset_status_desired_number_scheduled", own, _number(status, "desiredNumberScheduled")
    yield "kube_daemonset_status_number_available", own, _number(status, "numberAvailable")
    yield "kube_daemonset_status_number_unavailable", own, _number(status, "numberUnavailable")


def job(item: Object) -> Iterator[State]:
    """Pods that run, succeeded, failed."""
    own, status = place(item, "job_name"), item.get("status") or {}
    yield "kube_job_labels", own, 1
    for field in ("active", "succeeded", "failed"):
        yield f"kube_job_status_{field}", own, _number(status, field)
