"""Kubernetes' resources that this service knows: where their objects lie, and which of them are kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.shared.errors import Broken, Fault, Missing
from libs.shared.objects import meta

JsonObject = Mapping[str, Any]
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. `kept`: followed and held in memory; others are read from the cluster for each request.
    `listed`: served by the resource queries. `legacy`: served with the manners of the older API (iam-gateway 9.1).
    """

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    kept: bool = True
    listed: bool = True
    legacy: bool = False

    def path(self, namespace: str = "", name: str = "") -> str:
        """Of one object, or of the list in a namespace or (empty) everywhere."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")

    @property
    def qualified(self) -> str:
        """`deployment.apps`, as a lookup's message says it."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    def unknown(self, name: str) -> Fault:
        """A lookup that found nothing: an internal error in the original, but for the kinds of the older API."""
        text = f'{self.qualified} "{name}" not found'
        if self.legacy:
            return Missing(f"{self.kind.lower()}-missing", text, resource=self.plural, name=name)
        return Broken(f"{self.kind.lower()}-missing", text, resource=self.plural, name=name, public=text)


NAMESPACES = Resource("namespaces", "Namespace", namespaced=False)
ROLES = Resource("roles", "Role", RBAC)
ROLE_BINDINGS = Resource("rolebindings", "RoleBinding", RBAC)
CLUSTER_ROLES = Resource("clusterroles", "ClusterRole", RBAC, namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource("clusterrolebindings", "ClusterRoleBinding", RBAC, namespaced=False)
PODS = Resource("pods", "Pod")
DEPLOYMENTS = Resource("deployments", "Deployment", "apps")
STATEFUL_SETS = Resource("statefulsets", "StatefulSet", "apps")
DAEMON_SETS = Resource("daemonsets", "DaemonSet", "apps")
REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps", listed=False)
JOBS = Resource("jobs", "Job", "batch")
CRON_JOBS = Resource("cronjobs", "CronJob", "batch", legacy=True)
SERVICES = Resource("services", "Service")
CLAIMS = Resource("persistentvolumeclaims", "PersistentVolumeClaim")
NODES = Resource("nodes", "Node", namespaced=False)
STORAGE_CLASSES = Resource("storageclasses", "StorageClass", "storage.k8s.io", namespaced=False, legacy=True)
SNAPSHOT_CLASSES = Resource(
    "volumesnapshotclasses", "VolumeSnapshotClass", "snapshot.storage.k8s.io", namespaced=False, kept=False
)
INGRESSES = Resource("ingresses", "Ingress", "networking.k8s.io")

TOLD = (NAMESPACES, ROLES, ROLE_BINDINGS, CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS)
"""What is noted as facts and told."""

KNOWN = (
    *TOLD,
    PODS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REPLICA_SETS,
    JOBS,
    CRON_JOBS,
    SERVICES,
    CLAIMS,
    NODES,
    STORAGE_CLASSES,
    INGRESSES,
    SNAPSHOT_CLASSES,
    Resource("volumesnapshots", "VolumeSnapshot", "snapshot.storage.k8s.io", kept=False),
    Resource("s2ibuilders", "S2iBuilder", "devops.kubesphere.io", "v1alpha1", kept=False, legacy=True),
    Resource("configmaps", "ConfigMap", kept=False),
    Resource("secrets", "Secret", kept=False),
    Resource("serviceaccounts", "ServiceAccount", kept=False),
    Resource("persistentvolumes", "PersistentVolume", namespaced=False, kept=False),
    Resource("networkpolicies", "NetworkPolicy", "networking.k8s.io", kept=False),
    Resource("customresourcedefinitions", "CustomResourceDefinition", "apiextensions.k8s.io", "v1", False, kept=False),
    Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v2", kept=False, legacy=True),
)
"""Secrets are never held: their data is in memory only while a request that shows them is answered. Nor are ConfigMaps,
which may be a megabyte each.
"""
RESOURCES: Mapping[str, Resource] = {resource.plural: resource for resource in KNOWN}


def metadata(found: JsonObject) -> JsonObject:
    """An object's metadata."""
    about: JsonObject = found.get("metadata") or {}
    return about


def labels(found: JsonObject) -> Mapping[str, str]:
    """An object's labels."""
    return metadata(found).get("labels") or {}


def notes(found: JsonObject) -> Mapping[str, str]:
    """An object's annotations."""
    return metadata(found).get("annotations") or {}


def name(found: JsonObject) -> str:
    """An object's name."""
    return str(metadata(found).get("name", ""))


def namespace(found: JsonObject) -> str:
    """An object's namespace, empty for none."""
    return str(metadata(found).get("namespace", ""))


def uid(found: JsonObject) -> str:
    """Which object of its name it is."""
    return str(metadata(found).get("uid", ""))


def made_after(found: JsonObject, moment: datetime) -> bool:
    """Whether it was made after this, to the second that objects say."""
    made = meta.moment(str(metadata(found).get("creationTimestamp", "")))
    return made is not None and made > moment


def revision(found: JsonObject) -> int:
    """An object's resourceVersion as a number (Kubernetes 1.35 says that they compare so); 0 for none."""
    text = str(metadata(found).get("resourceVersion", ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def goes(answer: JsonObject) -> bool:
    """Whether what a deletion answered is an object that still stands, waiting for its finalizers."""
    return answer.get("kind") != "Status" and bool(metadata(answer).get("deletionTimestamp"))
