"""`metrics.k8s.io/v1beta1`: what pods and nodes use now, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from libs.sandbox.controllers.meta import Body, Seen, labels_of, name_of, space_of
from libs.sandbox.nodes.boxes import boxes
from libs.sandbox.nodes.proxy import Meters
from libs.sandbox.nodes.text.exporter import memory
from libs.sandbox.objects import Objects
from libs.sandbox.resource import Resource
from libs.shared.objects.meta import instant

_READS: Final = ("get", "list")
_VERSION: Final = "v1beta1"
GROUP: Final = "metrics.k8s.io"
NODES: Final = Resource(GROUP, (_VERSION,), "nodes", "NodeMetrics", namespaced=False, singular="node", verbs=_READS)
PODS: Final = Resource(GROUP, (_VERSION,), "pods", "PodMetrics", singular="pod", verbs=_READS)
_WINDOW: Final = "15s"


class Measured:
    """Makes these objects."""

    def __init__(self, objects: Objects, meters: Meters) -> None:
        self._objects = objects
        self._meters = meters

    def nodes(self, namespace: str, name: str) -> Iterable[Body]:
        """Of one node, or of all."""
        del namespace
        for node in self._objects.list("nodes"):
            if not name or name_of(node) == name:
                found, spent, now = self._meters.look(name_of(node))
                yield self._told(node, NODES, {"usage": _usage(spent.cores, memory(found, now).working)})

    def pods(self, namespace: str, name: str) -> Iterable[Body]:
        """Of those that run."""
        now = self._meters.now()
        for pod in self._objects.list("pods", namespace):
            running = boxes(pod) if not name or name_of(pod) == name else []
            if running:
                each = [
                    {"name": box.name, "usage": _usage(box.usage.cpu_rate(now), box.usage.memory_bytes(now))}
                    for box in running
                ]
                yield self._told(pod, PODS, {"containers": each})

    def _told(self, about: Seen, resource: Resource, more: Body) -> Body:
        at = instant(self._objects.clock())
        metadata: Body = {"name": name_of(about), "creationTimestamp": at, "labels": labels_of(about)}
        if space := space_of(about):
            metadata["namespace"] = space
        head = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return {**head, "timestamp": at, "window": _WINDOW, **more}


def _usage(cores: float, held: float) -> Body:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{round(held) >> 10}Ki"}
