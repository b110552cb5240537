"""Jobs: pods that run to their end, so many and so many at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from libs.sandbox.changes import Change
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    condition_of,
    controller_of,
    done,
    ending,
    is_true,
    name_of,
    owned,
    pod_of,
    ready,
    space_of,
    with_condition,
)
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects
from libs.shared.objects.meta import instant, moment

ID = "jobs.batch"
BACKOFF = 10.0
"""Seconds until a failed pod is replaced; doubled with each further one."""
LONGEST = 600.0
"""Seconds, at most, of that."""


class Jobs:
    """Runs each Job's pods."""

    name = "job"
    watches = (ID, "pods")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "job-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The Job itself, or the one that controls a pod."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        owner = controller_of(body) or {}
        return ((space_of(body), owner["name"]),) if owner.get("kind") == "Job" else ()

    def reconcile(self, key: Key) -> float | None:
        """Start or end pods, say how it stands, and in the end that it is over."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None or ending(wanted):
            return None
        now = self._objects.clock()
        if over(wanted):
            return self._expire(wanted, now)
        pods = owned(self._objects.list("pods", space_of(wanted)), wanted)
        status = dict(wanted.get("status") or {})
        if wanted["spec"].get("suspend"):
            self._drop(pods)
            with_condition(status, "Suspended", True, ("JobSuspended", "Job suspended"), now)
            self._keep(wanted, status, pods)
            return None
        if "startTime" not in status:
            status["startTime"] = instant(now)
        verdict = judged(wanted, pods, status, now)
        again: float | None = None
        if verdict:
            self._finish(wanted, status, pods, verdict, now)
        else:
            again = self._run(wanted, pods, now)
        self._keep(wanted, status, owned(self._objects.list("pods", space_of(wanted)), wanted))
        return again if verdict else _soonest(again, _deadline(wanted, status, now))

    def _run(self, wanted: Body, pods: list[Body], now: datetime) -> float | None:
        active, good, bad = sorted_out(pods)
        room = int(wanted["spec"].get("parallelism", 1)) - len(active)
        if (completions := wanted["spec"].get("completions")) is not None:
            room = min(room, int(completions) - len(good) - len(active))
        elif good:
            room = 0
        if room < 0:
            self._drop(active[room:])
        wait = pause(bad, now)
        if room > 0 and wait > 0:
            return wait
        for _ in range(min(room, 200)):
            labels = {"batch.kubernetes.io/job-name": name_of(wanted), "job-name": name_of(wanted)}
            labels["batch.kubernetes.io/controller-uid"] = wanted["metadata"]["uid"]
            pod = pod_of(wanted["spec"]["template"], wanted, labels=labels)
            pod["spec"].setdefault("restartPolicy", "Never")
            made = self._objects.create("pods", pod, space_of(wanted))
            self._events.note(wanted, "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return None

    def _finish(self, wanted: Body, status: Body, pods: list[Body], verdict: tuple[str, str], now: datetime) -> None:
        reason, message = verdict
        complete = reason == "Completed"
        if complete:
            status["completionTime"] = instant(now)
            words = ("CompletionsReached", "Reached expected number of succeeded pods")
            with_condition(status, "SuccessCriteriaMet", True, words, now)
            with_condition(status, "Complete", True, words, now)
        else:
            with_condition(status, "FailureTarget", True, verdict, now)
            with_condition(status, "Failed", True, verdict, now)
            self._drop(sorted_out(pods)[0])
        self._events.note(wanted, reason, message, warning=not complete)

    def _keep(self, wanted: Body, status: Body, pods: list[Body]) -> None:
        active, good, bad = sorted_out(pods)
        numbers = {"active": len(active), "succeeded": len(good), "failed": len(bad), "ready": sum(map(ready, active))}
        kept = {key: value for key, value in status.items() if key not in numbers}
        kept |= {key: value for key, value in numbers.items() if value or key == "ready"}
        if kept != wanted.get("status"):
            self._objects.replace(ID, {**wanted, "status": kept}, Part.STATUS)

    def _drop(self, pods: Iterable[Body]) -> None:
        for pod in pods:
            if not done(pod) and not ending(pod):
                self._objects.delete("pods", name_of(pod), space_of(pod))

    def _expire(self, wanted: Body, now: datetime) -> float | None:
        life = wanted["spec"].get("ttlSecondsAfterFinished")
        end = condition_of(wanted, "Complete") or condition_of(wanted, "Failed")
        since = moment(end.get("lastTransitionTime", ""))
        if life is None or since is None:
            return None
        left = float(life) - (now - since).total_seconds()
        if left > 0:
            return left
        self._objects.delete(ID, name_of(wanted), space_of(wanted), wish=Deletion("Background"))
        return None


def over(job: Body) -> bool:
    """Whether it has run to its end, well or not."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def sorted_out(pods: Iterable[Body]) -> tuple[list[Body], list[Body], list[Body]]:
    """Those that run or will, those that did well, and those that failed."""
    active: list[Body] = []
    good: list[Body] = []
    bad: list[Body] = []
    for pod in pods:
        phase = (pod.get("status") or {}).get("phase")
        if phase == "Succeeded":
            good.append(pod)
        elif phase == "Failed":
            bad.append(pod)
        elif not ending(pod):
            active.append(pod)
    return active, good, bad


def judged(job: Body, pods: list[Body], status: Body, now: datetime) -> tuple[str, str] | None:
    """Reason and message of its end, if it has come."""
    active, good, bad = sorted_out(pods)
    spec = job["spec"]
    again = sum(
        int(c.get("restartCount", 0)) for p in active for c in (p.get("status") or {}).get("containerStatuses") or ()
    )
    completions = spec.get("completions")
    enough = len(good) >= int(completions) if completions is not None else bool(good) and not active
    if enough:
        return "Completed", "Job completed"
    if len(bad) + again > int(spec.get("backoffLimit", 6)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    left = _deadline(job, status, now)
    if left is not None and left <= 0:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def _deadline(job: Body, status: Body, now: datetime) -> float | None:
    limit = job["spec"].get("activeDeadlineSeconds")
    begun = moment(status.get("startTime", ""))
    return None if limit is None or begun is None else float(limit) - (now - begun).total_seconds()


def _soonest(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)


def pause(failed: list[Body], now: datetime) -> float:
    """Seconds until the next pod may be started after these failed."""
    if not failed:
        return 0.0
    last = max((_ended(pod) or now for pod in failed), default=now)
    wait = min(LONGEST, BACKOFF * 2.0 ** min(len(failed) - 1, 10))
    return max(0.0, wait - (now - last).total_seconds())


def _ended(pod: Body) -> datetime | None:
    statuses: Iterable[dict[str, Any]] = (pod.get("status") or {}).get("containerStatuses") or ()
    times = [((s.get("state") or {}).get("terminated") or {}).get("finishedAt", "") for s in statuses]
    return moment(max(times, default=""))
