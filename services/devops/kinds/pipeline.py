"""Pipeline through `/apis`: the same rules as by its own routes, and its Jenkinsfile can be written here."""

from __future__ import annotations

import asyncio

from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from services.devops.commands import pipeline as commands
from services.devops.domain import pipeline as domain
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.resource import DEVOPS, PIPELINES
from services.devops.parts import Parts
from services.devops.shapes import pipeline as shapes


async def check_script(wish: JsonObject, parts: Parts) -> None:  # noqa: ARG001  # a kind's signature
    """Raise `Invalid` for a Jenkinsfile that isn't understood."""
    await asyncio.to_thread(domain.read, shapes.pipeline_wish(wish).spec)


async def create_pipeline(unit: Unit, wish: JsonObject, ask: Ask) -> Pipeline:
    """Make a pipeline in the project that is the namespace."""
    project = str(wish["metadata"]["namespace"])
    return await commands.create_pipeline(
        unit, project, shapes.pipeline_wish(wish), uid=unit.id, by=ask.user, at=ask.at
    )


async def change_pipeline(unit: Unit, before: Pipeline, wish: JsonObject, ask: Ask) -> Pipeline:
    """Replace a pipeline with its Jenkinsfile."""
    return await commands.change_pipeline(
        unit, before.project, shapes.pipeline_wish(wish, before.name), by=ask.user, script=True
    )


async def remove_pipeline(unit: Unit, before: Pipeline, ask: Ask) -> None:
    """Remove a pipeline with its runs."""
    await commands.delete_pipeline(unit, before.project, before.name, by=ask.user)


PIPELINE = Kind(
    group=DEVOPS,
    version="v1alpha3",
    kind=PIPELINES.kind,
    plural=PIPELINES.plural,
    singular=PIPELINES.singular,
    namespaced=True,
    document=Pipeline,
    show=shapes.typed_pipeline,
    model=shapes.PipelineShape,
    prepare=check_script,
    create=create_pipeline,
    update=change_pipeline,
    remove=remove_pipeline,
)
