"""The resources that are there from the start, as data. Source: Kubernetes 1.33's own discovery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from libs.sandbox.resource import ADMITTED, VERBS, Resource
from libs.shared.objects import names


def _segment(value: str) -> tuple[str, ...]:
    """RBAC's names: anything that can stand in a path."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{char}'" for char in "/%" if char in value)


def _row(
    place: str,
    plural: str,
    kind: str,
    short: str = "",
    subresources: str = "",
    *,
    cluster: bool = False,
    categories: str = "",
    verbs: tuple[str, ...] = VERBS,
    rule: Callable[[str], tuple[str, ...]] = names.subdomain,
) -> Resource:
    group, _, versions = place.rpartition("/")
    return Resource(
        group=group,
        versions=tuple(versions.split(",")),
        plural=plural,
        kind=kind,
        namespaced=not cluster,
        singular=kind.lower(),
        short=tuple(short.split()),
        categories=tuple(categories.split()),
        subresources=tuple(subresources.split()),
        verbs=verbs,
        rule=rule,
    )


_CORE = (
    _row("v1", "namespaces", "Namespace", "ns", "status finalize", cluster=True, rule=names.label),
    _row("v1", "nodes", "Node", "no", "status proxy", cluster=True),
    _row("v1", "persistentvolumes", "PersistentVolume", "pv", "status", cluster=True),
    _row("v1", "componentstatuses", "ComponentStatus", "cs", cluster=True, verbs=("get", "list")),
    _row("v1", "bindings", "Binding", verbs=ADMITTED),
    _row("v1", "configmaps", "ConfigMap", "cm"),
    _row("v1", "endpoints", "Endpoints", "ep"),
    _row("v1", "events", "Event", "ev"),
    _row("v1", "limitranges", "LimitRange", "limits"),
    _row("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", "status"),
    _row("v1", "pods", "Pod", "po", "status log eviction", categories="all"),
    _row("v1", "podtemplates", "PodTemplate"),
    _row("v1", "replicationcontrollers", "ReplicationController", "rc", "status scale", categories="all"),
    _row("v1", "resourcequotas", "ResourceQuota", "quota", "status"),
    _row("v1", "secrets", "Secret"),
    _row("v1", "serviceaccounts", "ServiceAccount", "sa"),
    _row("v1", "services", "Service", "svc", "status", categories="all", rule=names.label_1035),
)
_WORK = (
    _row("apps/v1", "controllerrevisions", "ControllerRevision"),
    _row("apps/v1", "daemonsets", "DaemonSet", "ds", "status", categories="all"),
    _row("apps/v1", "deployments", "Deployment", "deploy", "status scale", categories="all"),
    _row("apps/v1", "replicasets", "ReplicaSet", "rs", "status scale", categories="all"),
    _row("apps/v1", "statefulsets", "StatefulSet", "sts", "status scale", categories="all"),
    _row("batch/v1", "cronjobs", "CronJob", "cj", "status", categories="all"),
    _row("batch/v1", "jobs", "Job", "", "status", categories="all"),
    _row("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "status", categories="all"),
    _row("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", "status"),
)
_RBAC = "rbac.authorization.k8s.io/v1"
_RIGHTS = (
    _row(_RBAC, "clusterrolebindings", "ClusterRoleBinding", cluster=True, rule=_segment),
    _row(_RBAC, "clusterroles", "ClusterRole", cluster=True, rule=_segment),
    _row(_RBAC, "rolebindings", "RoleBinding", rule=_segment),
    _row(_RBAC, "roles", "Role", rule=_segment),
    _row("authorization.k8s.io/v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=ADMITTED),
    _row(
        "authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", cluster=True, verbs=ADMITTED
    ),
    _row("authorization.k8s.io/v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", cluster=True, verbs=ADMITTED),
    _row("authorization.k8s.io/v1", "subjectaccessreviews", "SubjectAccessReview", cluster=True, verbs=ADMITTED),
)
_REST = (
    _row("networking.k8s.io/v1", "ingressclasses", "IngressClass", cluster=True),
    _row("networking.k8s.io/v1", "ingresses", "Ingress", "ing", "status"),
    _row("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", "netpol"),
    _row("storage.k8s.io/v1", "csidrivers", "CSIDriver", cluster=True),
    _row("storage.k8s.io/v1", "csinodes", "CSINode", cluster=True),
    _row("storage.k8s.io/v1", "storageclasses", "StorageClass", "sc", cluster=True),
    _row("storage.k8s.io/v1", "volumeattachments", "VolumeAttachment", "", "status", cluster=True),
    _row("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    _row("coordination.k8s.io/v1", "leases", "Lease"),
    _row("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", "pc", cluster=True),
    _row("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", cluster=True),
    _row(
        "admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        cluster=True,
    ),
    _row(
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        cluster=True,
    ),
    _row(
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd crds",
        "status",
        cluster=True,
        categories="api-extensions",
    ),
)

_EVENTS = replace(_row("events.k8s.io/v1", "events", "Event", "ev"), storage="events")
"""The core group's events once more."""

RESOURCES = (*_CORE, *_WORK, *_RIGHTS, *_REST, _EVENTS)
