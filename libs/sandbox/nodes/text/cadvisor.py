"""Containers' use as a kubelet's cAdvisor tells it: names, types and labels are those of `/metrics/cadvisor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from libs.sandbox.controllers.meta import short_hash
from libs.sandbox.nodes.boxes import Box
from libs.sandbox.nodes.spent import Spent
from libs.sandbox.nodes.text.families import COUNTER, GAUGE, Row, family, labels
from libs.sandbox.nodes.usage import Used

PAUSE: Final = "registry.k8s.io/pause:3.10"
DISK: Final = "/dev/vda"
_PAGE: Final = 16_384
"""Bytes, about, that one transfer from or to the disk moves."""
_PACKET: Final = 700
"""Bytes, about, of one packet."""
_PERIOD: Final = 100_000
"""Microseconds in which a CPU quota is counted."""
_SHARES: Final = 1_024
"""CPU shares of a whole core."""


@dataclass(frozen=True, slots=True)
class _Told:
    """One family of a container's samples, by what it uses at a time; `more` are labels after the usual ones."""

    name: str
    kind: str
    about: str
    value: Callable[[Used], float]
    more: Mapping[str, str]
    summed: bool = False
    """Whether the pod's own cgroup has it too."""


_NONE: Final[Mapping[str, str]] = {}
_TOTAL: Final = {"cpu": "total"}
_ON_DISK: Final = {"device": DISK}
_TOLD: Final[tuple[_Told, ...]] = (
    _Told(
        "container_cpu_usage_seconds_total",
        COUNTER,
        "Cumulative cpu time consumed in seconds.",
        lambda used: used.cpu,
        _TOTAL,
        summed=True,
    ),
    _Told(
        "container_cpu_user_seconds_total",
        COUNTER,
        "Cumulative user cpu time consumed in seconds.",
        lambda used: 0.7 * used.cpu,
        _NONE,
    ),
    _Told(
        "container_cpu_system_seconds_total",
        COUNTER,
        "Cumulative system cpu time consumed in seconds.",
        lambda used: 0.3 * used.cpu,
        _NONE,
    ),
    _Told(
        "container_memory_working_set_bytes",
        GAUGE,
        "Current working set in bytes.",
        lambda used: used.working,
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_usage_bytes",
        GAUGE,
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        lambda used: used.working + used.cache,
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_rss",
        GAUGE,
        "Size of RSS in bytes.",
        lambda used: used.working - used.shared,
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_cache",
        GAUGE,
        "Number of bytes of page cache memory.",
        lambda used: used.cache + used.shared,
        _NONE,
        summed=True,
    ),
    _Told(
        "container_fs_reads_bytes_total",
        COUNTER,
        "Cumulative count of bytes read",
        lambda used: used.read,
        _ON_DISK,
    ),
    _Told(
        "container_fs_writes_bytes_total",
        COUNTER,
        "Cumulative count of bytes written",
        lambda used: used.written,
        _ON_DISK,
    ),
    _Told(
        "container_fs_reads_total",
        COUNTER,
        "Cumulative count of reads completed",
        lambda used: used.read // _PAGE,
        _ON_DISK,
    ),
    _Told(
        "container_fs_writes_total",
        COUNTER,
        "Cumulative count of writes completed",
        lambda used: used.written // _PAGE,
        _ON_DISK,
    ),
    _Told(
        "container_fs_usage_bytes",
        GAUGE,
        "Number of bytes that are consumed by the container on this filesystem.",
        lambda used: 24_576 + min(used.written, 256 << 20),
        _ON_DISK,
    ),
)
_NETWORK: Final[tuple[tuple[str, str, Callable[[Used], float]], ...]] = (
    ("receive_bytes", "bytes received", lambda used: used.received),
    ("transmit_bytes", "bytes transmitted", lambda used: used.sent),
    ("receive_packets", "packets received", lambda used: used.received // _PACKET),
    ("transmit_packets", "packets transmitted", lambda used: used.sent // _PACKET),
    ("receive_errors", "errors encountered while receiving", lambda _: 0),
    ("transmit_errors", "errors encountered while transmitting", lambda _: 0),
    ("receive_packets_dropped", "packets dropped while receiving", lambda _: 0),
    ("transmit_packets_dropped", "packets dropped while transmitting", lambda _: 0),
)
_SPEC: Final[tuple[tuple[str, str, Callable[[Box], float]], ...]] = (
    ("container_processes", "Number of processes running inside the container.", lambda box: box.usage.processes),
    ("container_threads", "Number of threads running inside the container", lambda box: box.usage.threads),
    (
        "container_start_time_seconds",
        "Start time of the container since unix epoch in seconds.",
        lambda box: box.usage.started,
    ),
    ("container_spec_memory_limit_bytes", "Memory limit for the container.", lambda box: box.bounds.memory_limit),
    (
        "container_spec_cpu_quota",
        "CPU quota of the container.",
        lambda box: round(box.bounds.cpu_limit * _PERIOD),
    ),
    (
        "container_spec_cpu_period",
        "CPU period of the container.",
        lambda box: _PERIOD if box.bounds.cpu_limit else 0,
    ),
    (
        "container_spec_cpu_shares",
        "CPU share of the container.",
        lambda box: max(2, round(box.bounds.cpu_request * _SHARES)),
    ),
)


@dataclass(frozen=True, slots=True)
class _Pod:
    """A pod's containers together."""

    namespace: str
    name: str
    cgroup: str
    used: Sequence[Used]


def told(boxes: Sequence[Box], spent: Spent, now: float) -> str:
    """Everything of one node's containers, of its pods' cgroups and of the node's own."""
    used = [(box, box.usage.used(now)) for box in boxes]
    pods = [
        _Pod(namespace, pod, cgroup, [each for _, each in found])
        for (namespace, pod, cgroup), found in groupby(
            used, lambda each: (each[0].namespace, each[0].pod, _parent(each[0]))
        )
    ]
    names = {id(more): [_own(box, more) for box in boxes] for more in (_NONE, _TOTAL, _ON_DISK)}
    parts = []
    for each in _TOLD:
        rows = [(name, each.value(value)) for name, (_, value) in zip(names[id(each.more)], used, strict=True)]
        parts.append(family(each.name, each.kind, each.about, [*rows, *_above(each, pods, spent)]))
    for name, about, value in _NETWORK:
        rows = [(_network(pod), sum(map(value, pod.used))) for pod in pods]
        parts.append(family(f"container_network_{name}_total", COUNTER, f"Cumulative count of {about}", rows))
    for name, about, setting in _SPEC:
        rows = [(own, setting(box)) for own, box in zip(names[id(_NONE)], boxes, strict=True)]
        parts.append(family(name, GAUGE, about, [row for row in rows if row[1]]))
    parts.append(family("machine_scrape_error", GAUGE, "1 if there was an error while getting them.", [("", 0)]))
    return "".join(parts)


def _above(each: _Told, pods: Sequence[_Pod], spent: Spent) -> Iterator[Row]:
    """The pods' cgroups, and the node's own."""
    if not each.summed:
        return
    for pod in pods:
        where = {"id": pod.cgroup, "image": "", "name": "", "namespace": pod.namespace, "pod": pod.name}
        yield labels(container="", **each.more, **where), sum(map(each.value, pod.used))
    root = {"id": "/", "image": "", "name": "", "namespace": "", "pod": ""}
    whole = spent.cpu if each.kind == COUNTER else sum(each.value(used) for pod in pods for used in pod.used)
    yield labels(container="", **each.more, **root), whole


def _parent(box: Box) -> str:
    return box.cgroup.rpartition("/")[0]


def _own(box: Box, more: Mapping[str, str]) -> str:
    return labels(
        container=box.name,
        **more,
        id=box.cgroup,
        image=box.image,
        name=box.identity,
        namespace=box.namespace,
        pod=box.pod,
    )


def _network(pod: _Pod) -> str:
    """A pod has one network for all its containers: that of the sandbox container that holds it."""
    identity = short_hash([pod.cgroup, "pause"], 32)
    return labels(
        container="",
        id=f"{pod.cgroup}/{identity}",
        image=PAUSE,
        interface="eth0",
        name=identity,
        namespace=pod.namespace,
        pod=pod.name,
    )
