"""What node-exporter tells of a node: processors, memory, load, file systems, disks, network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.sandbox.nodes.boxes import Box
from libs.sandbox.nodes.machines import CORES, DISK, MEMORY, VERSION
from libs.sandbox.nodes.spent import Spent
from libs.sandbox.nodes.text.families import COUNTER, GAUGE, Row, family, labels
from libs.sandbox.nodes.usage import Wave, noise

_MODES: Final = (("user", 0.66), ("system", 0.25), ("iowait", 0.03), ("softirq", 0.04), ("irq", 0.01), ("nice", 0.01))
"""How the time in use is divided."""
_OWN: Final = 900 << 20
"""Bytes that a node's own processes take."""
_BUFFERS: Final = 180 << 20
_RECLAIMABLE: Final = 320 << 20
_CACHED: Final = 2 << 30
_SYSTEM: Final = 14 << 30
"""Bytes on the disk before anybody has written any."""
_INODES: Final = 6_553_600
_PACKET: Final = 700
_TRANSFER: Final = 16_384
"""Bytes, about, of one transfer from or to the disk."""
_ROOT: Final = {"device": "/dev/vda1", "fstype": "ext4", "mountpoint": "/"}
_TEMPORARY: Final = {"device": "tmpfs", "fstype": "tmpfs", "mountpoint": "/run"}
_TEMPORARY_SIZE: Final = 3 << 30


@dataclass(frozen=True, slots=True)
class Memory:
    """How a node's memory is used, in bytes."""

    working: float
    """Its own processes' and its containers' working sets."""
    cached: float

    @property
    def free(self) -> float:
        """In nobody's use."""
        return max(0.0, MEMORY - self.working - self.cached - _BUFFERS - _RECLAIMABLE)


def memory(boxes: Sequence[Box], now: float) -> Memory:
    """Of the node on which these containers run."""
    own = sum(box.usage.memory_bytes(now) - box.usage.shared_bytes(now) for box in boxes)
    cached = sum(box.usage.cache_bytes(now) + box.usage.shared_bytes(now) for box in boxes)
    return Memory(_OWN + own, _CACHED + cached)


def told(node: str, boxes: Sequence[Box], spent: Spent, now: float) -> str:
    """The whole page."""
    return "".join(
        (
            *_processors(node, spent, now),
            *_memory(memory(boxes, now)),
            *_loads(node, boxes, spent, now),
            *_files(boxes, now),
            *_disks(spent),
            *_networks(spent),
            *_about(node, spent, now),
        )
    )


def _processors(node: str, spent: Spent, now: float) -> Iterator[str]:
    rows: list[Row] = []
    passed = now - spent.began
    weights = [1 + 0.06 * (noise(node, "cpu", number) - 0.5) for number in range(CORES)]
    for number, weight in enumerate(weights):
        used = spent.cpu * weight / sum(weights)
        rows += [(labels(cpu=str(number), mode=mode), used * share) for mode, share in _MODES]
        rows += [(labels(cpu=str(number), mode="idle"), max(0.0, passed - used))]
        rows += [(labels(cpu=str(number), mode="steal"), 0)]
    yield family("node_cpu_seconds_total", COUNTER, "Seconds the CPUs spent in each mode.", rows)


def _memory(held: Memory) -> Iterator[str]:
    available = MEMORY - held.working
    for name, value in (
        ("MemTotal", MEMORY),
        ("MemFree", held.free),
        ("MemAvailable", available),
        ("Buffers", _BUFFERS),
        ("Cached", held.cached),
        ("SReclaimable", _RECLAIMABLE),
        ("SwapTotal", 0),
        ("SwapFree", 0),
    ):
        yield family(f"node_memory_{name}_bytes", GAUGE, f"Memory information field {name}_bytes.", [("", value)])


def _loads(node: str, boxes: Sequence[Box], spent: Spent, now: float) -> Iterator[str]:
    """The cores in use, averaged over so many minutes, and a little that waits."""
    for minutes in (1, 5, 15):
        times = [now - minutes * 60 * step / 4 for step in range(4)]
        cores = sum(sum(box.usage.cpu_rate(at) for box in boxes) for at in times) / 4
        waiting = sum(Wave(0.08, f"{node}/load").rate(at) for at in times) / 4
        own = spent.cores - sum(box.usage.cpu_rate(now) for box in boxes)
        load = round(max(0.0, own + cores * 1.1 + waiting), 2)
        yield family(f"node_load{minutes}", GAUGE, f"{minutes}m load average.", [("", load)])


def _files(boxes: Sequence[Box], now: float) -> Iterator[str]:
    written = sum(min(box.usage.written_bytes(now), 256 << 20) for box in boxes)
    used = min(0.9 * DISK, _SYSTEM + written)
    reserved = DISK * 0.05
    inodes = 210_000 + written // (1 << 18)
    root, temporary = labels(**_ROOT), labels(**_TEMPORARY)
    for name, about, row, other in (
        ("size_bytes", "Filesystem size in bytes.", DISK, _TEMPORARY_SIZE),
        ("free_bytes", "Filesystem free space in bytes.", DISK - used, _TEMPORARY_SIZE - (2 << 20)),
        (
            "avail_bytes",
            "Filesystem space available to non-root users in bytes.",
            DISK - used - reserved,
            _TEMPORARY_SIZE - (2 << 20),
        ),
        ("files", "Filesystem total file nodes.", _INODES, 800_000),
        ("files_free", "Filesystem total free file nodes.", _INODES - inodes, 799_000),
        ("readonly", "Filesystem read-only status.", 0, 0),
    ):
        yield family(f"node_filesystem_{name}", GAUGE, about, [(root, max(0.0, row)), (temporary, other)])


def _disks(spent: Spent) -> Iterator[str]:
    disk = labels(device="vda")
    for name, about, value in (
        ("read_bytes", "The total number of bytes read successfully.", spent.read),
        ("written_bytes", "The total number of bytes written successfully.", spent.written),
        ("reads_completed", "The total number of reads completed successfully.", spent.read // _TRANSFER),
        ("writes_completed", "The total number of writes completed successfully.", spent.written // _TRANSFER),
        ("io_time_seconds", "Total seconds spent doing I/Os.", (spent.read + spent.written) / 2e8),
    ):
        yield family(f"node_disk_{name}_total", COUNTER, about, [(disk, value)])


def _networks(spent: Spent) -> Iterator[str]:
    card, loop = labels(device="eth0"), labels(device="lo")
    local = 0.1 * spent.sent
    for name, outer, inner in (
        ("receive_bytes", spent.received, local),
        ("transmit_bytes", spent.sent, local),
        ("receive_packets", spent.received // _PACKET, local // _PACKET),
        ("transmit_packets", spent.sent // _PACKET, local // _PACKET),
        ("receive_errs", 0, 0),
        ("transmit_errs", 0, 0),
        ("receive_drop", 0, 0),
        ("transmit_drop", 0, 0),
    ):
        about = f"Network device statistic {name}."
        yield family(f"node_network_{name}_total", COUNTER, about, [(card, outer), (loop, inner)])


def _about(node: str, spent: Spent, now: float) -> Iterator[str]:
    names: Mapping[str, str] = {"nodename": node, "sysname": "Linux", "machine": "x86_64", "release": VERSION}
    yield family(
        "node_uname_info", GAUGE, "Labeled system information as provided by the system.", [(labels(**names), 1)]
    )
    yield family("node_time_seconds", GAUGE, "System time in seconds since epoch (1970).", [("", now)])
    yield family("node_boot_time_seconds", GAUGE, "Node boot time, in unixtime.", [("", spent.began)])
