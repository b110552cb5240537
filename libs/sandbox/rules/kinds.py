"""Rules of single kinds: what must be there, and what may not change. Source: pkg/apis/*/validation of Kubernetes.

Objects come here with every field of its right type (`libs.sandbox.rules.shapes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from libs.sandbox.resource import Resource
from libs.sandbox.rules import configs, network, rights, workloads
from libs.sandbox.rules.definitions import definition
from libs.sandbox.rules.invalid import wrong
from libs.shared.errors import Flaw

Body = dict[str, Any]
Rule = Callable[[Body], Iterator[Flaw]]
IMMUTABLE: Final = "field is immutable"


def flaws(resource: Resource, body: Body) -> list[Flaw]:
    """What is wrong with an object of this kind."""
    rule = _RULES.get(resource.id)
    return list(rule(body)) if rule else []


def fixed(resource: Resource, current: Body, body: Body) -> list[Flaw]:
    """What the next version changes although it may not."""
    if current.get("immutable") is True and any(current.get(part) != body.get(part) for part in ("data", "binaryData")):
        return [Flaw("data", "Forbidden: field is immutable when `immutable` is set")]
    return [
        wrong(path, _at(body, path), IMMUTABLE)
        for path in _FIXED.get(resource.id, ())
        if _at(current, path) is not None and _at(current, path) != _at(body, path)
    ]


def _at(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


_RBAC: Final = "rbac.authorization.k8s.io"
_CRDS: Final = "customresourcedefinitions.apiextensions.k8s.io"
_RULES: Final[Mapping[str, Rule]] = {
    "pods": workloads.pod,
    "services": network.service,
    "configmaps": configs.config,
    "secrets": configs.secret,
    "persistentvolumeclaims": configs.claim,
    "deployments.apps": workloads.workload,
    "replicasets.apps": workloads.workload,
    "statefulsets.apps": workloads.stateful,
    "daemonsets.apps": workloads.workload,
    "jobs.batch": workloads.job,
    "cronjobs.batch": workloads.cron,
    "poddisruptionbudgets.policy": workloads.disruption,
    "horizontalpodautoscalers.autoscaling": workloads.autoscaler,
    "ingresses.networking.k8s.io": network.ingress,
    f"roles.{_RBAC}": rights.role,
    f"clusterroles.{_RBAC}": rights.cluster_role,
    f"rolebindings.{_RBAC}": rights.role_binding,
    f"clusterrolebindings.{_RBAC}": rights.cluster_role_binding,
    _CRDS: definition,
}
_FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "secrets": ("type",),
    "persistentvolumeclaims": ("spec.storageClassName", "spec.accessModes"),
    "deployments.apps": ("spec.selector",),
    "replicasets.apps": ("spec.selector",),
    "daemonsets.apps": ("spec.selector",),
    "statefulsets.apps": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    "jobs.batch": ("spec.selector", "spec.template", "spec.completions"),
    f"rolebindings.{_RBAC}": ("roleRef",),
    f"clusterrolebindings.{_RBAC}": ("roleRef",),
    _CRDS: ("spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"),
}
