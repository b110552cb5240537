"""Stages and steps of a run, as far as they have come: what another process goes on from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.devops_v1 import InputAwaited, InputGiven, StageFinished
from libs.shared.store.protocol import Document, Index
from services.devops.domain import run as runs
from services.devops.domain.run import Result, Run, State

PROCEED: Final = "proceed"
ABORT: Final = "abort"


class Asked(BaseModel):
    """What an input asks, and the word that was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    ok: str = ""
    submitters: tuple[str, ...] = ()
    id: str = ""
    given: str = ""
    by: str = ""


class StepState(BaseModel):
    """One step. `attempt` counts those of `retry`, from 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    label: str = ""
    state: State = State.RUNNING
    result: Result = Result.UNKNOWN
    reason: str = ""
    started_at: datetime
    finished_at: datetime | None = None
    attempt: int = 1
    asked: Asked | None = None

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state is State.FINISHED

    @property
    def waits(self) -> bool:
        """Whether it is an input that nobody has answered."""
        return self.state is State.PAUSED and self.asked is not None and not self.asked.given


class Node(Document):
    """One stage, or what is done after all of them."""

    COLLECTION: ClassVar[str] = "pipelinenodes"
    KEY: ClassVar[str] = "path"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("run",)), Index(("project",)))

    path: str
    run: str
    """The run's uid."""
    project: str
    id: str
    name: str
    state: State = State.RUNNING
    result: Result = Result.UNKNOWN
    reason: str = ""
    started_at: datetime
    finished_at: datetime | None = None
    attempt: int = 1
    steps: Mapping[str, StepState] = {}

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.state is State.FINISHED

    def with_step(self, step: StepState) -> Node:
        """Itself with this step as it stands now."""
        return self.model_copy(update={"steps": {**self.steps, step.id: step}})

    def without_steps(self, gone: Iterable[str]) -> Node:
        """Itself as if these steps had never begun."""
        dropped = set(gone)
        kept = {identity: step for identity, step in self.steps.items() if identity not in dropped}
        return self.model_copy(update={"steps": kept})


def path_of(run: str, identity: str) -> str:
    """The key of a stage's node."""
    return f"{run}/{identity}"


def may_answer(run: Run, asked: Asked, user: str) -> bool:
    """Whether this user's word counts: anyone's where nobody is named, else of who is named or made the pipeline."""
    return not asked.submitters or user in asked.submitters or user == run.owner


def finished(run: Run, node: Node) -> StageFinished:
    """That a stage has come to its end."""
    return StageFinished(
        **runs.told(run),
        stage=node.name,
        result=node.result.value,
        reason=node.reason,
        millis=runs.millis(node.started_at, node.finished_at),
    )


def awaited(run: Run, node: Node, step: StepState, asked: Asked) -> InputAwaited:
    """That a run waits for somebody's word."""
    return InputAwaited(
        **runs.told(run), stage=node.name, step=step.id, message=asked.message, submitters=asked.submitters
    )


def given(run: Run, step: StepState, asked: Asked) -> InputGiven:
    """That it was given."""
    return InputGiven(**runs.told(run), step=step.id, proceed=asked.given == PROCEED, by=asked.by)
