"""Runs as PipelineRun (v1alpha3) and as Blue Ocean shows them (v1alpha2; devops-apps-mesh 3.2, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from pydantic import Field

from libs.shared.errors import Malformed
from libs.shared.objects.meta import instant
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.devops.domain.resource import PIPELINES, RUNS
from services.devops.domain.run import Result, Run, State, millis
from services.devops.shapes.metadata import JsonObject, free, metadata, typed

ID: Final = "devops.kubesphere.io/jenkins-pipelinerun-id"
STATUS: Final = "devops.kubesphere.io/jenkins-pipelinerun-status"
STAGES: Final = "devops.kubesphere.io/jenkins-pipelinerun-stages-status"
LARGEST_STAGES: Final = 128 << 10
"""Bytes of the stages' annotation; where it would be larger, `nodedetails` has them."""
PHASES: Final[Mapping[State, str]] = {
    State.QUEUED: "Pending",
    State.RUNNING: "Running",
    State.PAUSED: "Pending",
}
ENDS: Final[Mapping[Result, str]] = {
    Result.SUCCESS: "Succeeded",
    Result.UNSTABLE: "Failed",
    Result.FAILURE: "Failed",
    Result.ABORTED: "Failed",
}


class RunShape(ObjectShape):
    """A run of a pipeline. `status.phase` is Pending, Running, Succeeded, Failed or Unknown."""

    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


class GivenShape(Shape):
    """A parameter of a run."""

    name: str
    value: str = ""


class StartShape(Shape):
    """How a run is to be started."""

    parameters: list[GivenShape] | None = None


class HistoryShape(Shape):
    """A run as Blue Ocean shows it."""

    id: str
    pipeline: str
    state: str
    result: str
    start_time: str | None = None
    end_time: str | None = None
    duration_in_millis: int = Field(description="so far, or in all")


def run(kept: Run, now: datetime, *, stages: list[JsonObject] | None = None) -> JsonObject:
    """The run as an object; with `stages` as an annotation where they fit."""
    told: dict[str, str] = {ID: str(kept.number), STATUS: orjson.dumps(history(kept, now)).decode()}
    if stages is not None and len(text := orjson.dumps(stages)) <= LARGEST_STAGES:
        told[STAGES] = text.decode()
    spec: JsonObject = {
        "pipelineRef": {"kind": PIPELINES.kind, "namespace": kept.project, "name": kept.pipeline},
        "pipelineSpec": free(kept.spec),
    }
    if kept.parameters:
        spec["parameters"] = [{"name": one.name, "value": one.value} for one in kept.parameters]
    if kept.branch:
        spec["scm"] = {"refType": "", "refName": kept.branch}
    return {
        "metadata": metadata(kept, namespace=kept.project, counted=True, **told),
        "spec": spec,
        "status": _status(kept),
    }


def typed_run(kept: Run, now: datetime, *, stages: list[JsonObject] | None = None) -> JsonObject:
    """The run with its kind."""
    return typed(RUNS, "v1alpha3", run(kept, now, stages=stages))


def shown(kept: Run) -> JsonObject:
    """The run as watchers see it: nothing in it depends on when it is looked at."""
    return typed_run(kept, kept.finished_at or kept.started_at or kept.created_at)


def _status(kept: Run) -> JsonObject:
    phase = ENDS.get(kept.result, "Unknown") if kept.finished else PHASES[kept.state]
    moments = {
        "startTime": kept.started_at,
        "completionTime": kept.finished_at,
        "updateTime": kept.finished_at or kept.started_at or kept.created_at,
    }
    found: JsonObject = {"phase": phase, **{key: instant(at) for key, at in moments.items() if at is not None}}
    condition = {
        "type": "Succeeded" if kept.finished else "Ready",
        "status": ("True" if kept.result is Result.SUCCESS else "False") if kept.finished else "Unknown",
        "reason": (kept.result if kept.finished else kept.state).value,
        "message": kept.reason,
        "lastProbeTime": found["updateTime"],
        "lastTransitionTime": found["updateTime"],
    }
    return {**found, "conditions": [{key: value for key, value in condition.items() if value}]}


def history(kept: Run, now: datetime) -> JsonObject:
    """The run as Blue Ocean shows it."""
    began = kept.started_at
    cause = f"Replayed #{kept.replayed}" if kept.replayed else f"Started by user {kept.creator}"
    return {
        "_class": "io.jenkins.blueocean.rest.impl.pipeline.PipelineRunImpl",
        "actions": [],
        "artifactsZipFile": None,
        "causeOfBlockage": "waiting for its turn" if kept.state is State.QUEUED else None,
        "causes": [{"shortDescription": cause, "userId": kept.creator, "userName": kept.creator}],
        "changeSet": [],
        "description": kept.reason or None,
        "durationInMillis": millis(began, kept.finished_at or now),
        "enQueueTime": moment(kept.created_at),
        "endTime": moment(kept.finished_at),
        "estimatedDurationInMillis": -1,
        "id": str(kept.number),
        "name": None,
        "organization": "jenkins",
        "pipeline": kept.branch or kept.pipeline,
        "replayable": kept.finished,
        "result": kept.result.value,
        "runSummary": kept.reason or None,
        "startTime": moment(began),
        "state": (State.QUEUED if kept.state is State.QUEUED else kept.state).value,
        "type": "WorkflowRun",
        "branch": {"isPrimary": False, "issues": [], "url": ""} if kept.branch else None,
        "commitId": None,
        "commitUrl": None,
        "pullRequest": None,
    }


def moment(at: datetime | None) -> str | None:
    """As Blue Ocean writes times: milliseconds, and a zone without a colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000" if at else None


def given(body: Any) -> tuple[tuple[str, str], ...]:
    """The parameters that a run is started with. Raises `Malformed`."""
    found: dict[str, str] = {}
    for one in Reading.of(body if body is not None else {}).objects("parameters"):
        name, value = one.text("name"), one.value.get("value")
        if not name or isinstance(value, (dict, list)):
            raise Malformed("parameter", f"{one.path} should be a parameter's name and its value, a text")
        found[name] = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return tuple(found.items())
