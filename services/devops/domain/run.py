"""A run of a pipeline: a document that goes from queued to finished, whoever carries it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.devops_v1 import RunFinished, RunQueued, RunStarted, RunStopAsked
from libs.shared.errors import Invalid, Malformed
from libs.shared.store.protocol import Index
from services.devops.domain.jenkinsfile.model import Parameter
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.resource import Housed, generated, path_of

PIPELINE_LABEL: Final = "devops.kubesphere.io/pipeline"
CREATOR: Final = "devops.kubesphere.io/creator"
MOST_GIVEN: Final = 100
LARGEST_GIVEN: Final = 64 << 10
"""Characters of a parameter's value; all together make no more than one and a half such, as they become environment."""


class State(StrEnum):
    """Where a run, a stage or a step stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class Result(StrEnum):
    """How it ended."""

    SUCCESS = "SUCCESS"
    UNSTABLE = "UNSTABLE"
    FAILURE = "FAILURE"
    ABORTED = "ABORTED"
    NOT_BUILT = "NOT_BUILT"
    UNKNOWN = "UNKNOWN"
    """It has not ended."""


class Given(BaseModel):
    """A parameter of a run; `sealed` stands in for the value of a password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str = ""
    sealed: str = ""


class Run(Housed):
    """One run. `spec` is the pipeline's as it was then; `branch` is empty but for one of many branches."""

    COLLECTION: ClassVar[str] = "pipelineruns"
    WATCHED: ClassVar[bool] = True
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("project",)),
        Index(("home",)),
        Index(("home", "number"), unique=True),
        Index(("state",)),
        Index(("uid",)),
    )

    home: str
    """Path of its pipeline."""
    pipeline: str
    number: int
    workspace: str
    spec: Mapping[str, Any]
    parameters: tuple[Given, ...] = ()
    branch: str = ""
    creator: str
    owner: str = ""
    """Who made the pipeline: he may approve whatever an input says."""
    state: State = State.QUEUED
    result: Result = Result.UNKNOWN
    reason: str = ""
    stopped_by: str = ""
    """Who asked for its end."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int = 1
    replayed: int = 0
    """Number of the run that it does again."""
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state is State.FINISHED


@dataclass(frozen=True, slots=True)
class RunWish:
    """A run as somebody wants it. Values of passwords are sealed already."""

    parameters: tuple[Given, ...] = ()
    branch: str = ""
    replayed: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """Whom and what a run comes from."""

    by: str
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""


def make(
    wish: RunWish, pipeline: Pipeline, *, workspace: str, number: int, uid: str, at: datetime, cause: Cause
) -> Run:
    """A run that waits its turn."""
    prefix = f"{pipeline.name}-"
    name = generated(prefix, uid)
    return Run(
        path=path_of(pipeline.project, name),
        project=pipeline.project,
        name=name,
        generate_name=prefix,
        uid=uid,
        labels={PIPELINE_LABEL: pipeline.name},
        annotations={CREATOR: cause.by},
        created_at=at,
        home=pipeline.path,
        pipeline=pipeline.name,
        number=number,
        workspace=workspace,
        spec=pipeline.spec,
        parameters=wish.parameters,
        branch=wish.branch,
        creator=cause.by,
        owner=pipeline.creator,
        replayed=wish.replayed,
        correlation=cause.correlation,
        causation=cause.causation,
        traceparent=cause.traceparent,
    )


def check_given(given: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> None:
    """Raise `Malformed` for parameters that a run can't be given."""
    if len(given) > MOST_GIVEN or sum(len(value) for _, value in given) > LARGEST_GIVEN * 3 // 2:
        raise Malformed("parameters", f"at most {MOST_GIVEN} parameters are accepted, with values of 96 KiB in all")
    for name, value in given:
        parameter = known.get(name)
        if "\x00" in value or "\x00" in name or len(value) > LARGEST_GIVEN:
            raise Malformed("parameter", f"the parameter {name[:80]!r} holds a NUL, or is longer than 64 KiB")
        if parameter is not None and parameter.choices and value not in parameter.choices:
            raise Malformed("parameter", f"the parameter {name} takes one of {', '.join(parameter.choices)[:400]}")
        if parameter is not None and parameter.kind == "boolean" and value not in ("true", "false"):
            raise Malformed("parameter", f"the parameter {name} takes true or false")


def start(run: Run, at: datetime) -> Run:
    """It runs from now on; one that ran before goes on from where it was."""
    return run.noted(state=State.RUNNING, started_at=run.started_at or at)


def finish(run: Run, result: Result, reason: str, at: datetime) -> Run:
    """It has ended."""
    return run.noted(
        state=State.FINISHED, result=result, reason=reason, started_at=run.started_at or at, finished_at=at
    )


def stop(run: Run, by: str) -> Run:
    """Somebody wants its end. Raises `Invalid` where it has ended."""
    if run.finished:
        raise Invalid("run-finished", f"the run {run.name} has ended already")
    return run.noted(stopped_by=run.stopped_by or by)


def branch_of(text: str) -> str:
    """A branch's name as a client gives it, without `refs/heads/`. Raises `Malformed` for what names none."""
    name = text.removeprefix("refs/heads/")
    if name and not plain_ref(name):
        raise Malformed("branch-name", "a branch is named by letters, digits and ._/+- alone, as git takes it")
    return name


def plain_ref(name: str) -> bool:
    """Whether a name is one that git takes for a branch, a tag or a commit, and nothing else than that."""
    fine = all(letter.isascii() and (letter.isalnum() or letter in "._/+-") for letter in name)
    odd = name.startswith(("-", "/", ".")) or name.endswith((".lock", "/", ".")) or ".." in name or "//" in name
    return bool(name) and len(name) <= 250 and fine and not odd  # noqa: PLR2004  # git's own bound is the file system's


def subject(run: Run) -> str:
    """What its events are about."""
    return f"pipelineruns/{run.path}"


def millis(begin: datetime | None, end: datetime | None) -> int:
    """How long it took."""
    return max(0, round((end - begin).total_seconds() * 1000)) if begin and end else 0


def told(run: Run) -> dict[str, Any]:
    """What every event of a run says of it."""
    return {
        "project": run.project,
        "workspace": run.workspace,
        "pipeline": run.pipeline,
        "run": run.name,
        "number": run.number,
    }


def queued(run: Run) -> RunQueued:
    """That it was asked for."""
    return RunQueued(**told(run), branch=run.branch, by=run.creator)


def started(run: Run) -> RunStarted:
    """That it runs."""
    return RunStarted(**told(run))


def stop_asked(run: Run, by: str) -> RunStopAsked:
    """That somebody wants its end."""
    return RunStopAsked(**told(run), by=by)


def ended(run: Run) -> RunFinished:
    """That it has ended."""
    return RunFinished(
        **told(run), result=run.result.value, reason=run.reason, millis=millis(run.started_at, run.finished_at)
    )
