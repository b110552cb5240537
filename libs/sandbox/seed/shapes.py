"""Shapes of what is seeded, so that seeds say only what is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seed:
    """One object, by the id of its resource; the namespace is empty where it has none."""

    resource: str
    body: Body
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A container: requests and limits are of CPU and memory; `more` is whatever else its spec says."""

    name: str
    image: str
    requests: tuple[str, str]
    limits: tuple[str, str]
    more: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> Body:
        """As in a pod's spec."""
        said = (("requests", self.requests), ("limits", self.limits))
        resources = {kind: {"cpu": cpu, "memory": memory} for kind, (cpu, memory) in said}
        return {"name": self.name, "image": self.image, "resources": resources, **self.more}


def namespace(name: str, workspace: str, annotations: Mapping[str, str] | None = None) -> Seed:
    """A namespace that belongs to a workspace."""
    metadata: Body = {"name": name, "labels": {"kubesphere.io/workspace": workspace, "kubesphere.io/namespace": name}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return Seed("namespaces", {"metadata": metadata, "spec": {"finalizers": ["kubernetes"]}})


def labels(name: str) -> dict[str, str]:
    """By which a workload's pods are known."""
    return {"app": name, "app.kubernetes.io/name": name}


def template(name: str, box: Box, **spec: Any) -> Body:
    """The pods of a workload."""
    return {"metadata": {"labels": labels(name)}, "spec": {"containers": [box.body()], **spec}}


def workload(resource: str, space: str, name: str, box: Box, **spec: Any) -> Seed:
    """A Deployment, StatefulSet or DaemonSet of one container; `pod` is what else its pods' spec says."""
    shape = template(name, box, **spec.pop("pod", {}))
    metadata = {"name": name, "labels": labels(name)}
    body = {"metadata": metadata, "spec": {"selector": {"matchLabels": labels(name)}, "template": shape, **spec}}
    return Seed(f"{resource}.apps", body, space)


def service(space: str, name: str, port: int, **spec: Any) -> Seed:
    """A Service before the pods of this name."""
    ports = [{"name": spec.pop("protocol", "http"), "port": port, "targetPort": spec.pop("target", port)}]
    body = {
        "metadata": {"name": name, "labels": labels(name)},
        "spec": {"selector": labels(name), "ports": ports, **spec},
    }
    return Seed("services", body, space)
