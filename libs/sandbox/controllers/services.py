"""Endpoints and EndpointSlices: which pods stand behind a Service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    done,
    ending,
    labels_of,
    name_of,
    ready,
    reference_to,
    selector_of,
    short_hash,
    space_of,
)
from libs.sandbox.objects import Objects

SLICES = "endpointslices.discovery.k8s.io"
BY = "endpointslice-controller.k8s.io"


class Services:
    """Keeps the Endpoints and the slice of each Service that selects pods."""

    name = "services"
    watches = ("services", "pods")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def keys(self, change: Change) -> Iterable[Key]:
        """The Service itself, or all that select a pod, or did until now."""
        body = change.object
        if change.resource == "services":
            return ((space_of(body), name_of(body)),)
        before = labels_of(change.previous.body) if change.previous else {}
        return [
            (space_of(found), name_of(found))
            for found in self._objects.list("services", space_of(body))
            if _selects(found, labels_of(body)) or (before and _selects(found, before))
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write both as the pods are now; drop the Endpoints of a Service that is gone."""
        service = self._objects.find("services", key[1], key[0])
        if service is None:
            self._drop(key)
            return None
        if not service["spec"].get("selector") or ending(service):
            return None
        pods = [pod for pod in self._objects.list("pods", key[0]) if _selects(service, labels_of(pod)) and _placed(pod)]
        self._put("endpoints", endpoints_of(service, pods))
        self._put(SLICES, slice_of(service, pods))
        return None

    def _drop(self, key: Key) -> None:
        if self._objects.find("endpoints", key[1], key[0]) is not None:
            self._objects.delete("endpoints", key[1], key[0])

    def _put(self, resource: str, body: Body) -> None:
        name, space = name_of(body), space_of(body)
        standing = self._objects.find(resource, name, space)
        if standing is None:
            self._objects.create(resource, body, space)
            return
        told = {key: value for key, value in body.items() if key != "metadata"}
        if any(standing.get(key) != value for key, value in told.items()):
            self._objects.replace(resource, {**standing, **told})


def _selects(service: Body, labels: dict[str, str]) -> bool:
    selector = selector_of({"matchLabels": service["spec"].get("selector") or {}})
    return bool(selector) and selector is not None and selector.matches(labels)


def _placed(pod: Body) -> bool:
    return bool((pod.get("status") or {}).get("podIP")) and not done(pod)


def endpoints_of(service: Body, pods: list[Body]) -> Body:
    """The old form: addresses that serve, and those that don't."""
    serving = [_address(pod) for pod in pods if ready(pod) and not ending(pod)]
    waiting = [_address(pod) for pod in pods if not ready(pod) and not ending(pod)]
    subset: dict[str, Any] = {"ports": _ports(service, pods)}
    subset |= {"addresses": serving} if serving else {}
    subset |= {"notReadyAddresses": waiting} if waiting else {}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": name_of(service), "namespace": space_of(service), "labels": labels_of(service)},
        "subsets": [subset] if serving or waiting else [],
    }


def _address(pod: Body) -> Body:
    reference = {"kind": "Pod", "name": name_of(pod), "namespace": space_of(pod), "uid": pod["metadata"]["uid"]}
    address = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName", ""), "targetRef": reference}
    if pod["spec"].get("hostname"):
        address["hostname"] = pod["spec"]["hostname"]
    return address


def slice_of(service: Body, pods: list[Body]) -> Body:
    """The new form: one slice for all."""
    found = []
    for pod in pods:
        address = _address(pod)
        serves = ready(pod)
        conditions = {"ready": serves and not ending(pod), "serving": serves, "terminating": ending(pod)}
        entry = {"addresses": [address["ip"]], "conditions": conditions, "nodeName": address["nodeName"]}
        found.append({**entry, "targetRef": address["targetRef"]})
    labels = {"kubernetes.io/service-name": name_of(service), "endpointslice.kubernetes.io/managed-by": BY}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name_of(service)}-{short_hash(service['metadata']['uid'], 5)}",
            "namespace": space_of(service),
            "labels": {**labels_of(service), **labels},
            "ownerReferences": [reference_to(service)],
        },
        "addressType": "IPv4",
        "endpoints": found,
        "ports": _ports(service, pods),
    }


def _ports(service: Body, pods: list[Body]) -> list[Body]:
    ports = []
    for port in service["spec"].get("ports") or ():
        entry = {"port": _target(port, pods), "protocol": port.get("protocol", "TCP")}
        ports.append({"name": port["name"], **entry} if port.get("name") else entry)
    return ports


def _target(port: Body, pods: list[Body]) -> int:
    """The number behind a port; one that is named is looked up in the containers."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"].get("containers") or ():
            for own in container.get("ports") or ():
                if own.get("name") == target:
                    return int(own["containerPort"])
    return int(port["port"])
