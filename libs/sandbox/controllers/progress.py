"""The conditions of a Deployment: whether enough of it is available, and whether its rollout gets on. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from libs.sandbox.controllers.meta import Seen, condition_of, with_condition
from libs.sandbox.controllers.rollout import finished, pace
from libs.shared.objects.meta import instant, moment

DEADLINE = 600
"""Seconds without progress after which a rollout has failed: Kubernetes' default."""
_COUNTS = ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")


def judged(wanted: Seen, status: dict[str, Any], newest: str, now: datetime) -> float | None:
    """Set both conditions in this status; in how many seconds the rollout will have stood still for too long, if it
    isn't through. `newest` is the name of the new ReplicaSet.
    """
    limits = pace(wanted["spec"])
    enough = int(status.get("availableReplicas", 0)) >= limits.replicas - limits.unavailable
    words = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not enough:
        words = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    with_condition(status, "Available", enough, words, now)
    left = None
    if wanted["spec"].get("paused"):
        with_condition(status, "Progressing", True, ("DeploymentPaused", "Deployment is paused"), now)
    elif finished(wanted["spec"], status):
        text = f'ReplicaSet "{newest}" has successfully progressed.'
        with_condition(status, "Progressing", True, ("NewReplicaSetAvailable", text), now)
    else:
        left = _unfinished(wanted, status, newest, now)
    _date(wanted, status, now)
    return left


def _unfinished(wanted: Seen, status: dict[str, Any], newest: str, now: datetime) -> float | None:
    before = condition_of(wanted, "Progressing")
    through = before.get("reason") == "NewReplicaSetAvailable"
    if through and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        return None  # it was rolled out; pods that come and go later don't undo that
    if before and before["status"] == "False" and not _moved(wanted, status):
        return None
    moved = not before or _moved(wanted, status)
    deadline = float(wanted["spec"].get("progressDeadlineSeconds") or DEADLINE)
    since = moment(before.get("lastUpdateTime", "")) or now
    left = deadline - (now - since).total_seconds() if not moved else deadline
    if left <= 0:
        text = f'ReplicaSet "{newest}" has timed out progressing.'
        with_condition(status, "Progressing", False, ("ProgressDeadlineExceeded", text), now)
        return None
    text = f'ReplicaSet "{newest}" is progressing.'
    with_condition(status, "Progressing", True, ("ReplicaSetUpdated", text), now)
    return left


def _moved(wanted: Seen, status: dict[str, Any]) -> bool:
    """Whether numbers changed, or what is asked for did."""
    before = wanted.get("status") or {}
    return any(status.get(name, 0) != before.get(name, 0) for name in (*_COUNTS, "observedGeneration"))


def _date(wanted: Seen, status: dict[str, Any], now: datetime) -> None:
    """`lastUpdateTime` is when a condition, or what it rests on, last changed."""
    moved = _moved(wanted, status)
    for condition in status["conditions"]:
        before = condition_of(wanted, condition["type"])
        same = all(condition.get(key) == before.get(key) for key in ("status", "reason", "message"))
        update = moved and condition["type"] == "Progressing"
        known = before.get("lastUpdateTime")
        condition["lastUpdateTime"] = known if same and known and not update else instant(now)
