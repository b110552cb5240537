"""The state of a cluster's objects as series, under the names that kube-state-metrics gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.monitoring.domain.state import nodes, plain, pods, workloads
from services.monitoring.domain.state.series import State, labels_of_state

__all__ = ["KINDS", "Kind", "labels_of_state"]
Told = Callable[[Mapping[str, Any]], Iterable[State]]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where objects of a kind are listed, and what is told of one."""

    path: str
    told: Told


KINDS = (
    Kind("/api/v1/namespaces", plain.namespace),
    Kind("/api/v1/nodes", nodes.node),
    Kind("/api/v1/pods", pods.pod),
    Kind("/apis/apps/v1/deployments", workloads.deployment),
    Kind("/apis/apps/v1/replicasets", workloads.replica_set),
    Kind("/apis/apps/v1/statefulsets", workloads.stateful_set),
    Kind("/apis/apps/v1/daemonsets", workloads.daemon_set),
    Kind("/apis/batch/v1/jobs", workloads.job),
    Kind("/apis/batch/v1/cronjobs", plain.named("cronjob")),
    Kind("/apis/autoscaling/v2/horizontalpodautoscalers", plain.named("horizontalpodautoscaler")),
    Kind("/apis/networking.k8s.io/v1/ingresses", plain.named("ingress")),
    Kind("/api/v1/services", plain.service),
    Kind("/api/v1/endpoints", plain.named("endpoint")),
    Kind("/api/v1/configmaps", plain.counted("configmap")),
    Kind("/api/v1/secrets", plain.secret),
    Kind("/api/v1/resourcequotas", plain.resource_quota),
    Kind("/api/v1/persistentvolumes", plain.volume),
    Kind("/api/v1/persistentvolumeclaims", plain.claim),
)
