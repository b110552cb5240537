"""The collaborators that outer functions are handed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter

from libs.shared.bell import Bell
from libs.shared.event import CAUSE, Cause
from libs.shared.failpoints import Failpoints
from libs.shared.sealing import Sealer
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.traces import span, traceparent
from libs.shared.values import Clock, Ids
from services.devops.clients.artifacts import Artifacts
from services.devops.clients.git import Git
from services.devops.clients.logs import Logs
from services.devops.clients.process import Processes
from services.devops.domain.role import Seeds
from services.devops.domain.run import Run
from services.devops.settings import DevopsSettings

ACTOR = "system:devops"


class Journal:
    """What is logged, traced and counted of runs; never what they write."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._runs = Counter(
            "orrery_pipeline_runs", "Runs that ended, by their result.", ("result",), registry=telemetry.registry
        )

    @contextmanager
    def carrying(self, run: Run) -> Iterator[None]:
        """One run, as part of the trace and the chain of causes that it came from."""
        named = {"orrery.run": run.name, "orrery.pipeline": run.pipeline, "orrery.project": run.project}
        with span(self._telemetry.tracer, "run pipeline", parent=run.traceparent, attributes=named):
            parent = traceparent() or run.traceparent
            was = CAUSE.set(Cause(ACTOR, run.correlation, run.causation, parent))
            try:
                yield
            finally:
                CAUSE.reset(was)

    def note(self, run: Run) -> None:
        """What became of a run."""
        self._runs.labels(run.result.value).inc()
        self._telemetry.log.info(
            "run", project=run.project, pipeline=run.pipeline, number=run.number, result=run.result.value
        )

    def say(self, text: str, **values: object) -> None:
        """Something that an operator should know."""
        self._telemetry.log.warning(text, **values)

    def tell(self, text: str, **values: object) -> None:
        """Something that an operator may want to know."""
        self._telemetry.log.info(text, **values)


@dataclass(frozen=True, slots=True)
class Works:
    """What runs are carried on with. `closed` says why no step is run here; empty where they are."""

    sealer: Sealer
    bell: Bell
    """Rung when a run was asked for, stopped or answered."""
    broom: Bell
    """Rung when something is to be swept."""
    processes: Processes
    git: Git
    logs: Logs
    artifacts: Artifacts
    rooms: Path
    """Workspaces of runs, by their uids."""
    journal: Journal
    failpoints: Failpoints
    closed: str = ""

    def forget_rooms(self, runs: Iterable[str]) -> None:
        """Remove the workspaces of these runs."""
        for run in runs:
            shutil.rmtree(self.rooms / run, ignore_errors=True)

    def kept(self) -> set[str]:
        """Uids of runs of which there is a file or folder."""
        rooms = {path.name for path in self.rooms.iterdir()} if self.rooms.exists() else set()
        return rooms | {*self.logs.kept(), *self.artifacts.kept()}


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    ids: Ids
    settings: DevopsSettings
    seeds: Seeds
    works: Works
