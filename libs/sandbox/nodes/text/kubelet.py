"""A kubelet's own `/metrics`: its name, what it runs, its pods' volumes, and how long it takes to look at its pods."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.sandbox.controllers.fitting import quantity
from libs.sandbox.controllers.meta import Seen, space_of
from libs.sandbox.nodes.boxes import MISSHAPEN, boxes_on
from libs.sandbox.nodes.life import seconds
from libs.sandbox.nodes.text.families import GAUGE, Row, family, labels
from libs.sandbox.nodes.usage import noise
from libs.shared.errors import Invalid

_INODE: Final = 16_384
"""Bytes of a volume for each of its inodes."""
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PLEG: Final = "kubelet_pleg_relist_duration_seconds"
_RELISTED: Final = "Duration in seconds for relisting pods in PLEG."


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim's volume as a pod has it mounted. Sizes are in bytes."""

    namespace: str
    claim: str
    capacity: float
    used: float


def volumes(pods: Iterable[Seen], claims: Mapping[tuple[str, str], Seen], now: float) -> Iterator[Volume]:
    """Those of running pods; how full one is follows from its seed, and grows over days."""
    seen: set[tuple[str, str]] = set()
    for pod in pods:
        for name in _claimed(pod):
            key = (space_of(pod), name)
            claim = claims.get(key)
            if claim is None or key in seen:
                continue
            seen.add(key)
            yield _volume(key, claim, now)


def _claimed(pod: Seen) -> list[str]:
    """Claims that a running pod names; none of one that can't be understood."""
    try:
        if (pod.get("status") or {}).get("phase") != "Running":
            return []
        named = [volume.get("persistentVolumeClaim") or {} for volume in pod["spec"].get("volumes") or ()]
        return [str(each.get("claimName", "")) for each in named]
    except MISSHAPEN:
        return []


def _volume(key: tuple[str, str], claim: Seen, now: float) -> Volume:
    text = ((claim.get("status") or {}).get("capacity") or {}).get("storage", "1Gi")
    try:
        capacity = float(quantity(text))
    except Invalid:
        capacity = 0.0
    days = max(0.0, now - seconds(claim["metadata"]["creationTimestamp"])) / 86_400
    share = 0.05 + 0.3 * noise(*key, "full") + 0.5 * (1 - math.exp(-days / 20))
    return Volume(*key, capacity, math.floor(capacity * min(share, 0.97)))


def told(node: str, pods: Sequence[Seen], claims: Mapping[tuple[str, str], Seen], began: float, now: float) -> str:
    """`pods` are those of this node; `claims` all there are, by namespace and name; `began` is when the node did."""
    mounted = list(volumes(pods, claims, now))
    boxes = boxes_on(node, pods)
    held = len({(box.namespace, box.pod) for box in boxes})
    state = labels(container_state="running")
    return "".join(
        (
            family("kubelet_node_name", GAUGE, "The node's name. The count is always 1.", [(labels(node=node), 1)]),
            family("kubelet_running_pods", GAUGE, "Number of pods that have a running pod sandbox", [("", held)]),
            family(
                "kubelet_running_containers", GAUGE, "Number of containers currently running", [(state, len(boxes))]
            ),
            _relisted(node, now - began),
            *_stats(mounted),
        )
    )


def _stats(mounted: list[Volume]) -> Iterator[str]:
    for name, about, rows in (
        ("capacity_bytes", "Capacity in bytes of the volume", [volume.capacity for volume in mounted]),
        ("available_bytes", "Number of available bytes in the volume", [v.capacity - v.used for v in mounted]),
        ("used_bytes", "Number of used bytes in the volume", [volume.used for volume in mounted]),
        ("inodes", "Maximum number of inodes in the volume", [v.capacity // _INODE for v in mounted]),
        ("inodes_free", "Number of free inodes", [(v.capacity - v.used // 4) // _INODE for v in mounted]),
        (
            "inodes_used",
            "Number of used inodes",
            [v.capacity // _INODE - (v.capacity - v.used // 4) // _INODE for v in mounted],
        ),
    ):
        names = (labels(namespace=volume.namespace, persistentvolumeclaim=volume.claim) for volume in mounted)
        yield family(f"kubelet_volume_stats_{name}", GAUGE, about, zip(names, rows, strict=True))


def _relisted(node: str, age: float) -> str:
    """A look each second, most of a few milliseconds."""
    times = math.floor(max(age, 0.0))
    middle = 0.003 + 0.003 * noise(node, "pleg")
    rows: list[Row] = [
        (f'_bucket{{le="{bound}"}}', math.floor(times * (1 - math.exp(-bound / middle)))) for bound in _BUCKETS
    ]
    rows += [('_bucket{le="+Inf"}', times), ("_sum", times * middle), ("_count", times)]
    return family(_PLEG, "histogram", _RELISTED, rows)
