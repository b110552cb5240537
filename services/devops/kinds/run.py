"""PipelineRun through `/apis`: to be read and watched; runs are asked for, and ended, by their own routes."""

from __future__ import annotations

from libs.shared.kinds.kind import Kind
from services.devops.domain.resource import DEVOPS, RUNS
from services.devops.domain.run import Run
from services.devops.shapes import run as shapes

RUN = Kind(
    group=DEVOPS,
    version="v1alpha3",
    kind=RUNS.kind,
    plural=RUNS.plural,
    singular=RUNS.singular,
    short_names=("pr",),
    namespaced=True,
    document=Run,
    show=shapes.shown,
    model=shapes.RunShape,
)
