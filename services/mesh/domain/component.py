"""What of the cluster a service's routing is made from: services and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.mesh.domain.governing import COMPONENT

APPLICATION = "app.kubernetes.io/name"
RELEASE = "app.kubernetes.io/version"
VERSION = "version"
ENABLED = "servicemesh.kubesphere.io/enabled"
HTTP = ("http", "http2", "grpc")
"""Port names, or their beginnings before a `-`, of what speaks HTTP."""

JsonObject = dict[str, Any]


class Key(NamedTuple):
    """A service."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service."""

    name: str
    number: int

    @property
    def http(self) -> bool:
        """Whether HTTP is spoken there."""
        return self.name in HTTP or self.name.startswith(tuple(f"{one}-" for one in HTTP))


@dataclass(frozen=True, slots=True)
class Component:
    """A Service, as far as it matters here."""

    key: Key
    labels: Mapping[str, str]
    enabled: bool
    selector: Mapping[str, str]
    ports: tuple[Port, ...]

    @property
    def governed(self) -> bool:
        """Whether its traffic is governed: it is labelled as a component of an application, and wants it."""
        labelled = all(self.labels.get(label) for label in (APPLICATION, RELEASE, COMPONENT))
        return labelled and self.enabled and bool(self.ports)

    @property
    def app(self) -> str:
        """The component's name."""
        return self.labels.get(COMPONENT, "")


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment: one version of a component."""

    key: Key
    labels: Mapping[str, str]
    """Of its pods."""
    version: str
    wanted: int
    ready: int
    since: str
    """When it was made, as text of RFC 3339: the oldest is the first version."""

    @property
    def subset(self) -> str:
        """The version as a subset's name."""
        return subset(self.version)

    def runs(self, component: Component) -> bool:
        """Whether its pods are the service's."""
        selector = component.selector
        return bool(selector) and all(self.labels.get(key) == value for key, value in selector.items())


def subset(version: str) -> str:
    """A version as Istio's name of a subset, which has no dots, dashes and underscores."""
    return version.translate({ord(sign): None for sign in "._-"})


def component(found: JsonObject) -> Component:
    """A Service of core/v1."""
    about, spec = found["metadata"], found.get("spec") or {}
    return Component(
        key=key_of(found),
        labels=about.get("labels") or {},
        enabled=(about.get("annotations") or {}).get(ENABLED) == "true",
        selector=spec.get("selector") or {},
        ports=tuple(Port(str(one.get("name") or ""), int(one["port"])) for one in spec.get("ports") or ()),
    )


def workload(found: JsonObject) -> Workload:
    """A Deployment of apps/v1."""
    about, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return Workload(
        key=key_of(found),
        labels=labels,
        version=(about.get("labels") or {}).get(VERSION) or labels.get(VERSION, ""),
        wanted=int(spec.get("replicas", 1)),
        ready=int(status.get("readyReplicas") or 0),
        since=str(about.get("creationTimestamp") or ""),
    )


def key_of(found: JsonObject) -> Key:
    """An object's namespace and name."""
    about = found["metadata"]
    return Key(about.get("namespace", ""), about["name"])
