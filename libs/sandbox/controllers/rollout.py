"""How a Deployment moves from old ReplicaSets to its new one: the numbers, pure.

Source: Kubernetes' documentation of Deployments (rolling update, proportional bounds, proving availability).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from libs.sandbox.controllers.meta import Seen, share

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Standing:
    """A ReplicaSet as a rollout sees it: what it asks for, and what of that serves."""

    name: str
    asked: int
    available: int = 0
    existing: int = 0
    """Pods that are there, those that start included."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a rollout may leave the wanted number, both ways."""

    replicas: int
    surge: int
    unavailable: int


def standing(replica_set: Seen) -> Standing:
    """A ReplicaSet's numbers."""
    status = replica_set.get("status") or {}
    return Standing(
        replica_set["metadata"]["name"],
        int(replica_set["spec"].get("replicas", 1)),
        int(status.get("availableReplicas", 0)),
        int(status.get("replicas", 0)),
    )


def pace(spec: Mapping[str, Any]) -> Pace:
    """A Deployment's bounds; both a quarter unless it says otherwise, and never both nothing."""
    replicas = int(spec.get("replicas", 1))
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = share(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return Pace(replicas, surge, unavailable if surge or unavailable else 1)


def rolled(limits: Pace, new: Standing, old: Sequence[Standing]) -> dict[str, int]:
    """What each ReplicaSet should ask for next (only those that change): the new one grows within the surge, the old
    ones shrink as far as enough stay available.
    """
    everyone = [new, *old]
    total = sum(each.asked for each in everyone)
    if new.asked > limits.replicas:
        return {new.name: limits.replicas}
    room = limits.replicas + limits.surge - total
    if new.asked < limits.replicas and room > 0:
        return {new.name: new.asked + min(room, limits.replicas - new.asked)}
    return _shrunk(limits, new, old, total)


def _shrunk(limits: Pace, new: Standing, old: Sequence[Standing], total: int) -> dict[str, int]:
    needed = limits.replicas - limits.unavailable
    spare = total - needed - max(0, new.asked - new.available)
    wishes: dict[str, int] = {}
    for each in old:  # what doesn't serve goes first
        useless = min(max(0, spare), max(0, each.asked - each.available))
        if useless:
            wishes[each.name] = each.asked - useless
            spare -= useless
    serving = new.available + sum(each.available for each in old)
    spare = min(spare, serving - needed)
    for each in old:
        left = wishes.get(each.name, each.asked)
        fewer = min(max(0, spare), left)
        if fewer:
            wishes[each.name] = left - fewer
            spare -= fewer
    return wishes


def recreated(limits: Pace, new: Standing | None, old: Sequence[Standing]) -> dict[str, int]:
    """The same for the strategy that ends everything old before anything new begins."""
    wishes = {each.name: 0 for each in old if each.asked}
    if not wishes and new is not None and new.asked != limits.replicas and not any(each.existing for each in old):
        wishes[new.name] = limits.replicas
    return wishes


def finished(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether everything is new, there and available."""
    replicas = int(spec.get("replicas", 1))
    numbers = [int(status.get(name, 0)) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return numbers == [replicas] * 3


def revision_of(replica_set: Seen) -> int:
    """Which revision of its Deployment it is; 0 for none."""
    text = (replica_set["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdigit() else 0
