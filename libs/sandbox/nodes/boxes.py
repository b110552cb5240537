"""The containers of a pod as their node sees them: their cgroup, what they use, and the log of a run. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from libs.sandbox.controllers.fitting import quantity
from libs.sandbox.controllers.meta import Seen, name_of, space_of
from libs.sandbox.nodes import life
from libs.sandbox.nodes.logs import Run
from libs.sandbox.nodes.usage import Bounds, Usage
from libs.shared.errors import Invalid

_MOST: Final = {"cpu": 1e4, "memory": 1e15}
"""Cores and bytes, more than any container may ask for: a quantity beyond is a mistake of who wrote it."""
MISSHAPEN: Final = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a pod of an unexpected shape raises; clients may write such a status."""


@dataclass(frozen=True, slots=True)
class Box:
    """A container that runs."""

    namespace: str
    pod: str
    name: str
    image: str
    cgroup: str
    identity: str
    """The container's own id, without the runtime before it."""
    bounds: Bounds
    usage: Usage


def boxes_on(node: str, pods: Iterable[Seen]) -> list[Box]:
    """All containers that run on a node."""
    return [box for pod in pods if pod["spec"].get("nodeName") == node for box in boxes(pod)]


def boxes(pod: Seen) -> list[Box]:
    """Those of a pod that run; none of one that can't be understood."""
    try:
        return list(_boxes(pod))
    except MISSHAPEN:
        return []


def _boxes(pod: Seen) -> Iterator[Box]:
    specs = {each["name"]: each for each in _specs(pod)}
    for status in statuses(pod):
        running = (status.get("state") or {}).get("running")
        spec = specs.get(status["name"])
        if running and spec is not None:
            yield _box(pod, spec, status, life.seconds(running["startedAt"]))


def _box(pod: Seen, spec: Seen, status: Seen, started: float) -> Box:
    name, identity = str(spec["name"]), str(status.get("containerID", "")).rpartition("/")[2]
    bounds = bounds_of(spec)
    return Box(
        namespace=space_of(pod),
        pod=name_of(pod),
        name=name,
        image=str(spec.get("image", "")),
        cgroup=f"{cgroup_of(pod)}/{identity}",
        identity=identity,
        bounds=bounds,
        usage=Usage(f"{pod['metadata']['uid']}/{name}", bounds, started),
    )


def cgroup_of(pod: Seen) -> str:
    """Where a pod's containers are accounted for."""
    quality = str((pod.get("status") or {}).get("qosClass") or "Burstable").lower()
    middle = "" if quality == "guaranteed" else f"{quality}/"
    return f"/kubepods/{middle}pod{pod['metadata']['uid']}"


def bounds_of(spec: Seen) -> Bounds:
    """What a container asks for and may use; what can't be read counts as not said."""
    resources = spec.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    return Bounds(
        cpu_request=_amount(requests, "cpu") or _amount(limits, "cpu"),
        cpu_limit=_amount(limits, "cpu"),
        memory_request=_amount(requests, "memory") or _amount(limits, "memory"),
        memory_limit=_amount(limits, "memory"),
    )


def _amount(resources: Mapping[str, Any], name: str) -> float:
    try:
        found = quantity(resources.get(name, 0))
    except Invalid:
        return 0.0
    return found if 0 <= found <= _MOST[name] else 0.0


def _specs(pod: Seen) -> list[Mapping[str, Any]]:
    return [*(pod["spec"].get("initContainers") or ()), *(pod["spec"].get("containers") or ())]


def statuses(pod: Seen) -> list[Mapping[str, Any]]:
    """Of init containers, then of the others."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def containers(pod: Seen) -> list[str]:
    """Names of all containers, those that prepare first."""
    return [str(each["name"]) for each in _specs(pod)]


def run_of(pod: Seen, container: str, *, previous: bool = False) -> Run | None:
    """The run of a container that its log is read from: the one that stands or has just ended, or the one before it;
    None where there is none, or it can't be understood.
    """
    try:
        return _run_of(pod, container, previous=previous)
    except MISSHAPEN:
        return None


def _run_of(pod: Seen, container: str, *, previous: bool) -> Run | None:
    status = next((each for each in statuses(pod) if each["name"] == container), None)
    if status is None:
        return None
    state, last = status.get("state") or {}, status.get("lastState") or {}
    restarts = int(status.get("restartCount", 0))
    if previous:
        return _run(pod, status, last, restarts - 1)
    if "waiting" in state and last.get("terminated"):
        return _run(pod, status, last, restarts - 1)
    return _run(pod, status, state, restarts)


def _run(pod: Seen, status: Seen, state: Seen, restarts: int) -> Run | None:
    ended = state.get("terminated")
    began = (state.get("running") or ended or {}).get("startedAt")
    if not began:
        return None
    started = life.seconds(began)
    return Run(
        seed=f"{pod['metadata']['uid']}/{status['name']}/{restarts}",
        image=str(status.get("image", "")),
        started=started,
        ended=life.seconds(ended["finishedAt"]) if ended else math.inf,
        failed=bool(ended and ended.get("exitCode")),
        silent_from=started + life.marked(pod, life.HANG),
    )
