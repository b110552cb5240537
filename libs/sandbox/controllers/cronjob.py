"""CronJobs: a Job at each time of a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from libs.sandbox.changes import Change
from libs.sandbox.controllers import cron
from libs.sandbox.controllers.happenings import Recorder
from libs.sandbox.controllers.job import ID as JOBS
from libs.sandbox.controllers.job import over
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import (
    Body,
    controller_of,
    ending,
    is_true,
    name_of,
    owned,
    reference_to,
    space_of,
)
from libs.sandbox.copying import copied
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects
from libs.shared.errors import Invalid
from libs.shared.objects.meta import instant, moment

ID = "cronjobs.batch"
MISSED = 100
"""Times that may have been missed; beyond, only the last of them counts."""


class CronJobs:
    """Makes each CronJob's Jobs, and removes old ones."""

    name = "cronjob"
    watches = (ID, JOBS)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._events = Recorder(objects, "cronjob-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        """The CronJob itself, or the one that controls a Job."""
        body = change.object
        if change.resource == ID:
            return ((space_of(body), name_of(body)),)
        owner = controller_of(body) or {}
        return ((space_of(body), owner["name"]),) if owner.get("kind") == "CronJob" else ()

    def reconcile(self, key: Key) -> float | None:
        """Start what is due; run again at the next time."""
        wanted = self._objects.find(ID, key[1], key[0])
        if wanted is None or ending(wanted):
            return None
        self._tidy(wanted)
        again = None if wanted["spec"].get("suspend") else self._due(wanted)
        self._tell(wanted)
        return again

    def _due(self, wanted: Body) -> float | None:
        try:
            schedule, zone = cron.parsed(str(wanted["spec"]["schedule"])), _zone(wanted)
        except Invalid as invalid:
            self._events.note(wanted, "UnparseableSchedule", invalid.text, warning=True)
            return None
        now = self._objects.clock().astimezone(zone)
        due = last_due(schedule, _since(wanted).astimezone(zone), now)
        if due is not None:
            self._start(wanted, due, now)
        following = schedule.after(now)
        return None if following is None else (following - now).total_seconds()

    def _start(self, wanted: Body, due: datetime, now: datetime) -> None:
        self._note_time(wanted, due)
        limit = wanted["spec"].get("startingDeadlineSeconds")
        if limit is not None and (now - due).total_seconds() > float(limit):
            self._events.note(wanted, "MissSchedule", f"Missed scheduled time to start a job: {due}", warning=True)
            return
        active = [job for job in self._jobs(wanted) if not over(job)]
        policy = wanted["spec"].get("concurrencyPolicy", "Allow")
        if active and policy == "Forbid":
            self._events.note(wanted, "JobAlreadyActive", "Not starting job because prior execution is running")
            return
        for job in active if policy == "Replace" else ():
            self._objects.delete(JOBS, name_of(job), space_of(job), wish=Deletion("Background"))
        name = f"{name_of(wanted)}-{int(due.timestamp()) // 60}"
        if self._objects.find(JOBS, name, space_of(wanted)) is None:
            self._objects.create(JOBS, _job(wanted, name, due), space_of(wanted))
            self._events.note(wanted, "SuccessfulCreate", f"Created job {name}")

    def _note_time(self, wanted: Body, due: datetime) -> None:
        def change(body: Body) -> None:
            body["status"] = {**(body.get("status") or {}), "lastScheduleTime": instant(due)}

        self._objects.update(ID, name_of(wanted), space_of(wanted), change, Part.STATUS)

    def _jobs(self, wanted: Body) -> list[Body]:
        return owned(self._objects.list(JOBS, space_of(wanted)), wanted)

    def _tidy(self, wanted: Body) -> None:
        finished = sorted(
            (job for job in self._jobs(wanted) if over(job)),
            key=lambda job: (job.get("status") or {}).get("startTime", ""),
        )
        for kind, field, usual in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            alike = [job for job in finished if is_true(job, kind)]
            keep = int(wanted["spec"].get(field, usual))
            for job in alike[: max(0, len(alike) - keep)]:
                self._objects.delete(JOBS, name_of(job), space_of(job), wish=Deletion("Background"))

    def _tell(self, wanted: Body) -> None:
        wanted = self._objects.get(ID, name_of(wanted), space_of(wanted))
        jobs = self._jobs(wanted)
        active = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": name_of(j),
                "namespace": space_of(j),
                "uid": j["metadata"]["uid"],
            }
            for j in jobs
            if not over(j)
        ]
        status = {key: value for key, value in (wanted.get("status") or {}).items() if key != "active"}
        ends = [str(job["status"].get("completionTime", "")) for job in jobs if is_true(job, "Complete")]
        if latest := max(ends, default=""):
            status["lastSuccessfulTime"] = max(latest, status.get("lastSuccessfulTime", ""))
        if active:
            status["active"] = active
        if status != (wanted.get("status") or {}):
            self._objects.replace(ID, {**wanted, "status": status}, Part.STATUS)


def last_due(schedule: cron.Schedule, since: datetime, now: datetime) -> datetime | None:
    """The latest time after `since` that has come; of long stretches that were missed only the end is looked at."""
    due, found = schedule.after(since), None
    for _ in range(MISSED):
        if due is None or due > now:
            return found
        found, due = due, schedule.after(due)
    return last_due(schedule, since + (now - since) / 2, now) or found


def _since(wanted: Body) -> datetime:
    last = (wanted.get("status") or {}).get("lastScheduleTime") or wanted["metadata"]["creationTimestamp"]
    return moment(last) or datetime.fromtimestamp(0, UTC)


def _zone(wanted: Body) -> ZoneInfo:
    name = str(wanted["spec"].get("timeZone") or "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Invalid("cron-zone", f"time zone {name!r} is not known") from error


def _job(wanted: Body, name: str, due: datetime) -> Body:
    template = wanted["spec"]["jobTemplate"]
    shape = template.get("metadata") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": dict(shape.get("labels") or {}),
            "annotations": {
                **(shape.get("annotations") or {}),
                "batch.kubernetes.io/cronjob-scheduled-timestamp": due.isoformat(),
            },
            "ownerReferences": [reference_to(wanted)],
        },
        "spec": job_spec(template.get("spec") or {}),
    }


def job_spec(spec: Body) -> Body:
    """A Job's spec with what the API server fills in for one that a client makes."""
    spec = copied(spec)
    spec.setdefault("parallelism", 1)
    spec.setdefault("completions", 1)
    spec.setdefault("backoffLimit", 6)
    return spec
