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
from libs.sandbox.nodes.usage import Usage

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
    value: Callable[[Usage, float], float]
    more: Mapping[str, str]
    summed: bool = False
    """Whether the pod's own cgroup has it too."""


_NONE: Final[Mapping[str, str]] = {}
_ON_DISK: Final = {"device": DISK}
_TOLD: Final[tuple[_Told, ...]] = (
    _Told(
        "container_cpu_usage_seconds_total",
        COUNTER,
        "Cumulative cpu time consumed in seconds.",
        lambda usage, at: usage.cpu_seconds(at),
        {"cpu": "total"},
        summed=True,
    ),
    _Told(
        "container_cpu_user_seconds_total",
        COUNTER,
        "Cumulative user cpu time consumed in seconds.",
        lambda usage, at: 0.7 * usage.cpu_seconds(at),
        _NONE,
    ),
    _Told(
        "container_cpu_system_seconds_total",
        COUNTER,
        "Cumulative system cpu time consumed in seconds.",
        lambda usage, at: 0.3 * usage.cpu_seconds(at),
        _NONE,
    ),
    _Told(
        "container_memory_working_set_bytes",
        GAUGE,
        "Current working set in bytes.",
        lambda usage, at: usage.memory_bytes(at),
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_usage_bytes",
        GAUGE,
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        lambda usage, at: usage.memory_bytes(at) + usage.cache_bytes(at),
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_rss",
        GAUGE,
        "Size of RSS in bytes.",
        lambda usage, at: usage.memory_bytes(at) - usage.shared_bytes(at),
        _NONE,
        summed=True,
    ),
    _Told(
        "container_memory_cache",
        GAUGE,
        "Number of bytes of page cache memory.",
        lambda usage, at: usage.cache_bytes(at) + usage.shared_bytes(at),
        _NONE,
        summed=True,
    ),
    _Told(
        "container_processes",
        GAUGE,
        "Number of processes running inside the container.",
        lambda usage, _: usage.processes,
        _NONE,
    ),
    _Told(
        "container_threads",
        GAUGE,
        "Number of threads running inside the container",
        lambda usage, _: usage.threads,
        _NONE,
    ),
    _Told(
        "container_start_time_seconds",
        GAUGE,
        "Start time of the container since unix epoch in seconds.",
        lambda usage, _: usage.started,
        _NONE,
    ),
    _Told(
        "container_fs_reads_bytes_total",
        COUNTER,
        "Cumulative count of bytes read",
        lambda usage, at: usage.read_bytes(at),
        _ON_DISK,
    ),
    _Told(
        "container_fs_writes_bytes_total",
        COUNTER,
        "Cumulative count of bytes written",
        lambda usage, at: usage.written_bytes(at),
        _ON_DISK,
    ),
    _Told(
        "container_fs_reads_total",
        COUNTER,
        "Cumulative count of reads completed",
        lambda usage, at: usage.read_bytes(at) // _PAGE,
        _ON_DISK,
    ),
    _Told(
        "container_fs_writes_total",
        COUNTER,
        "Cumulative count of writes completed",
        lambda usage, at: usage.written_bytes(at) // _PAGE,
        _ON_DISK,
    ),
    _Told(
        "container_fs_usage_bytes",
        GAUGE,
        "Number of bytes that are consumed by the container on this filesystem.",
        lambda usage, at: 24_576 + min(usage.written_bytes(at), 256 << 20),
        _ON_DISK,
    ),
)
_NETWORK: Final[tuple[tuple[str, str, Callable[[Usage, float], float]], ...]] = (
    ("receive_bytes", "bytes received", lambda usage, at: usage.received_bytes(at)),
    ("transmit_bytes", "bytes transmitted", lambda usage, at: usage.sent_bytes(at)),
    ("receive_packets", "packets received", lambda usage, at: usage.received_bytes(at) // _PACKET),
    ("transmit_packets", "packets transmitted", lambda usage, at: usage.sent_bytes(at) // _PACKET),
    ("receive_errors", "errors encountered while receiving", lambda *_: 0),
    ("transmit_errors", "errors encountered while transmitting", lambda *_: 0),
    ("receive_packets_dropped", "packets dropped while receiving", lambda *_: 0),
    ("transmit_packets_dropped", "packets dropped while transmitting", lambda *_: 0),
)
_SPEC: Final[tuple[tuple[str, str, Callable[[Box], float]], ...]] = (
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


def told(boxes: Sequence[Box], spent: Spent, now: float) -> str:
    """Everything of one node's containers, of its pods' cgroups and of the node's own."""
    pods = {key: list(found) for key, found in groupby(boxes, key=lambda box: (box.namespace, box.pod))}
    parts = [family(each.name, each.kind, each.about, _rows(each, boxes, pods, spent, now)) for each in _TOLD]
    for name, about, value in _NETWORK:
        rows = list(_network(pods, value, now))
        parts.append(family(f"container_network_{name}_total", COUNTER, f"Cumulative count of {about}", rows))
    for name, about, setting in _SPEC:
        rows = [(_own(box, _NONE), setting(box)) for box in boxes]
        parts.append(family(name, GAUGE, about, [row for row in rows if row[1]]))
    parts.append(
        family("machine_scrape_error", GAUGE, "1 if there was an error while getting machine metrics.", [("", 0)])
    )
    return "".join(parts)


def _rows(
    each: _Told, boxes: Sequence[Box], pods: Mapping[tuple[str, str], list[Box]], spent: Spent, now: float
) -> Iterator[Row]:
    for box in boxes:
        yield _own(box, each.more), each.value(box.usage, now)
    if not each.summed:
        return
    for (namespace, pod), inner in pods.items():
        where = {"id": inner[0].cgroup.rpartition("/")[0], "image": "", "name": "", "namespace": namespace, "pod": pod}
        yield labels(container="", **each.more, **where), sum(each.value(box.usage, now) for box in inner)
    root = {"id": "/", "image": "", "name": "", "namespace": "", "pod": ""}
    whole = spent.cpu if each.kind == COUNTER else sum(each.value(box.usage, now) for box in boxes)
    yield labels(container="", **each.more, **root), whole


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


def _network(
    pods: Mapping[tuple[str, str], list[Box]], value: Callable[[Usage, float], float], now: float
) -> Iterator[Row]:
    """A pod has one network for all its containers: that of the sandbox container that holds it."""
    for (namespace, pod), inner in pods.items():
        cgroup = inner[0].cgroup.rpartition("/")[0]
        identity = short_hash([cgroup, "pause"], 32)
        where = labels(
            container="",
            id=f"{cgroup}/{identity}",
            image=PAUSE,
            interface="eth0",
            name=identity,
            namespace=namespace,
            pod=pod,
        )
        yield where, sum(value(box.usage, now) for box in inner)
