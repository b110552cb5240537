"""The ClusterRoles and bindings of a new cluster: Kubernetes' roles for users, and what the platform itself may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from libs.sandbox.rbac import RBAC

Body = dict[str, Any]

DECIDED: Final = "orrery:decided"
"""The group of requests that the platform's gateway has decided already."""
_READ: Final = ["get", "list", "watch"]
_WRITE: Final = ["create", "update", "patch", "delete", "deletecollection"]
_SEEN: Final[Mapping[str, Sequence[str]]] = {
    "": (
        "configmaps",
        "endpoints",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "pods/status",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
        "bindings",
        "events",
        "limitranges",
        "namespaces",
        "resourcequotas",
    ),
    "apps": ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets", "*/scale", "*/status"),
    "batch": ("cronjobs", "jobs", "*/status"),
    "autoscaling": ("horizontalpodautoscalers",),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "discovery.k8s.io": ("endpointslices",),
    "policy": ("poddisruptionbudgets",),
    "metrics.k8s.io": ("pods", "nodes"),
}
"""What `view` sees in a namespace: everything usual but secrets and rights."""
_MADE: Final[Mapping[str, Sequence[str]]] = {
    "": (
        "configmaps",
        "events",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
        "secrets",
        "pods/eviction",
    ),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets", "*/scale"),
    "batch": ("cronjobs", "jobs"),
    "autoscaling": ("horizontalpodautoscalers",),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
}
"""What `edit` writes."""


def _rules(resources: Mapping[str, Sequence[str]], verbs: Sequence[str]) -> list[Body]:
    return [
        {"apiGroups": [group], "resources": list(names), "verbs": list(verbs)} for group, names in resources.items()
    ]


def _role(name: str, rules: list[Body], label: str = "") -> Body:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if label:
        labels[f"rbac.authorization.k8s.io/aggregate-to-{label}"] = "true"
    return {"metadata": {"name": name, "labels": labels}, "rules": rules}


def _binding(name: str, role: str, group: str) -> Body:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": group}],
    }


def cluster_roles() -> tuple[Body, ...]:
    """`view` is in `edit`, `edit` in `admin`, as in Kubernetes; nothing is aggregated from elsewhere."""
    view = _rules(_SEEN, _READ)
    edit = [*view, *_rules({"": ("secrets",)}, _READ), *_rules(_MADE, _WRITE)]
    rights = {RBAC: ("roles", "rolebindings"), "authorization.k8s.io": ("localsubjectaccessreviews",)}
    admin = [*edit, *_rules(rights, [*_READ, *_WRITE])]
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    urls = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/openapi",
        "/openapi/*",
        "/version",
        "/version/",
        "/healthz",
        "/readyz",
    ]
    found = [{"nonResourceURLs": [*urls, "/livez"], "verbs": ["get"]}]
    own = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
    return (
        _role("cluster-admin", everything),
        _role("admin", admin),
        _role("edit", edit, "admin"),
        _role("view", view, "edit"),
        _role("system:discovery", found),
        _role("system:basic-user", _rules({"authorization.k8s.io": own}, ["create"])),
    )


def cluster_bindings() -> tuple[Body, ...]:
    """Who holds these from the start."""
    return (
        _binding("cluster-admin", "cluster-admin", "system:masters"),
        _binding("orrery:decided", "cluster-admin", DECIDED),
        _binding("system:discovery", "system:discovery", "system:authenticated"),
        _binding("system:basic-user", "system:basic-user", "system:authenticated"),
    )
