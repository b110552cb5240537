"""A kubelet's `/metrics/resource`: what metrics-server reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from libs.sandbox.nodes.boxes import Box
from libs.sandbox.nodes.spent import Spent
from libs.sandbox.nodes.text.families import COUNTER, GAUGE, Row, family, labels


def told(boxes: Sequence[Box], spent: Spent, memory: float, now: float) -> str:
    """CPU and memory of containers, pods and the node, whose own working set is `memory` bytes."""
    names = [(box, labels(container=box.name, namespace=box.namespace, pod=box.pod)) for box in boxes]
    cpu: list[Row] = [(name, box.usage.cpu_seconds(now)) for box, name in names]
    held: list[Row] = [(name, box.usage.memory_bytes(now)) for box, name in names]
    pods = [
        (labels(namespace=namespace, pod=pod), list(inner))
        for (namespace, pod), inner in groupby(boxes, key=lambda box: (box.namespace, box.pod))
    ]
    of_pods: list[Row] = [(name, sum(box.usage.cpu_seconds(now) for box in inner)) for name, inner in pods]
    held_by_pods: list[Row] = [(name, sum(box.usage.memory_bytes(now) for box in inner)) for name, inner in pods]
    started: list[Row] = [(name, box.usage.started) for box, name in names]
    seconds, size = "[STABLE] Cumulative cpu time consumed by the", "[STABLE] Current working set of the"
    return "".join(
        (
            family("container_cpu_usage_seconds_total", COUNTER, f"{seconds} container in core-seconds", cpu),
            family("container_memory_working_set_bytes", GAUGE, f"{size} container in bytes", held),
            family("container_start_time_seconds", GAUGE, "[STABLE] Start time of the container", started),
            family("node_cpu_usage_seconds_total", COUNTER, f"{seconds} node in core-seconds", [("", spent.cpu)]),
            family("node_memory_working_set_bytes", GAUGE, f"{size} node in bytes", [("", memory)]),
            family("pod_cpu_usage_seconds_total", COUNTER, f"{seconds} pod in core-seconds", of_pods),
            family("pod_memory_working_set_bytes", GAUGE, f"{size} pod in bytes", held_by_pods),
            family("resource_scrape_error", GAUGE, "[STABLE] 1 if there was an error while getting them", [("", 0)]),
        )
    )
