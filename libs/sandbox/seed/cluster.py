"""What a new cluster has: the namespaces of a KubeSphere cluster, a storage class, and what runs on each node."""

from __future__ import annotations

from typing import Final

from libs.sandbox.controllers.volumes import DEFAULT, PROVISIONER
from libs.sandbox.nodes.machines import LEASE_SPACE, NODES, address_of
from libs.sandbox.seed.shapes import Box, Seed, namespace, service, workload

SYSTEM: Final = "kube-system"
MONITORING: Final = "kubesphere-monitoring-system"
WORKSPACE: Final = "system-workspace"
_KUBERNETES: Final = ("default", LEASE_SPACE, "kube-public", SYSTEM)
_KUBESPHERE: Final = ("kubesphere-controls-system", MONITORING, "kubesphere-system")
_DNS: Final = "10.96.0.10"
_API: Final = "10.96.0.1"
_EVERYWHERE: Final = {"tolerations": [{"operator": "Exists"}]}


def spaces() -> tuple[Seed, ...]:
    """Kubernetes' own namespaces, which stand at any time."""
    return tuple(namespace(name, WORKSPACE) for name in _KUBERNETES)


def contents() -> tuple[Seed, ...]:
    """KubeSphere's namespaces, a storage class, and what runs."""
    dns = Box("coredns", "registry.k8s.io/coredns/coredns:v1.12.0", ("100m", "70Mi"), ("1", "170Mi"))
    proxy = Box("kube-proxy", "registry.k8s.io/kube-proxy:v1.33.1", ("50m", "48Mi"), ("500m", "128Mi"))
    port = {"ports": [{"name": "metrics", "containerPort": 9100}]}
    exporter = Box("node-exporter", "prom/node-exporter:v1.9.1", ("50m", "40Mi"), ("250m", "180Mi"), port)
    return (
        *(namespace(name, WORKSPACE) for name in _KUBESPHERE),
        _storage(),
        workload("deployments", SYSTEM, "coredns", dns, replicas=2),
        service(SYSTEM, "coredns", 53, clusterIP=_DNS, protocol="dns"),
        workload("daemonsets", SYSTEM, "kube-proxy", proxy, pod={"hostNetwork": True, **_EVERYWHERE}),
        workload("daemonsets", MONITORING, "node-exporter", exporter, pod={"hostNetwork": True, **_EVERYWHERE}),
        service(MONITORING, "node-exporter", 9100, clusterIP="None", protocol="metrics"),
        *_front(),
    )


def _storage() -> Seed:
    metadata = {"name": "local", "annotations": {DEFAULT: "true"}}
    body = {
        "metadata": metadata,
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }
    return Seed("storageclasses.storage.k8s.io", body)


def _front() -> tuple[Seed, ...]:
    """The API server as a Service: `kubernetes.default`."""
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
    metadata = {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}}
    address = {"ip": address_of(NODES[0]), "nodeName": NODES[0]}
    subset = {"addresses": [address], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}
    return (
        Seed("services", {"metadata": metadata, "spec": {"clusterIP": _API, "ports": ports}}, "default"),
        Seed("endpoints", {"metadata": metadata, "subsets": [subset]}, "default"),
    )
