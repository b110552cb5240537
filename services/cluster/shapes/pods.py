"""In which state a pod is, as kubectl prints it, and the four words that it is filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.cluster.domain.resource import JsonObject, metadata

RUNNING, ERROR, COMPLETED, WAITING = "Running", "Error", "Completed", "Waiting"


def reason(pod: JsonObject) -> str:
    """What kubectl shows as the pod's status: of its init containers, then of its containers, the last that has a
    reason; `Terminating` for one that is being deleted.
    """
    status = pod.get("status") or {}
    said = str(status.get("reason") or status.get("phase") or "")
    initial = _initial(pod, status.get("initContainerStatuses") or ())
    said = initial or _main(said, status.get("containerStatuses") or ())
    if metadata(pod).get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return said


def bucket(pod: JsonObject) -> str:
    """Running, Error, Completed or Waiting."""
    said, phase = reason(pod), (pod.get("status") or {}).get("phase")
    if said == RUNNING:
        return RUNNING
    if said in ("Failed", ERROR) or said.startswith("OutOf"):
        return ERROR
    if said == COMPLETED or (said == "Succeeded" and phase == "Succeeded"):
        return COMPLETED
    return WAITING


def _initial(pod: JsonObject, statuses: Any) -> str:
    """How far the init containers have come, empty when all are through."""
    wanted = len((pod.get("spec") or {}).get("initContainers") or ())
    for place, one in enumerate(statuses):
        state = one.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and not ended.get("exitCode"):
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}"
        waits = (state.get("waiting") or {}).get("reason", "")
        return f"Init:{waits}" if waits and waits != "PodInitializing" else f"Init:{place}/{wanted}"
    return ""


def _main(said: str, statuses: Any) -> str:
    running = False
    for one in reversed(list(statuses)):
        state = one.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            said = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            said = _ended(state["terminated"])
        elif one.get("ready") and state.get("running") is not None:
            running = True
    return RUNNING if said == COMPLETED and running else said


def _ended(terminated: Mapping[str, Any]) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"
