"""Making, changing and removing pipelines."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Conflict, Malformed
from libs.shared.event import Event
from libs.shared.store.protocol import Equal, Find, Unit
from services.devops.commands import project as projects
from services.devops.domain import pipeline as domain
from services.devops.domain.pipeline import MOST, Pipeline, PipelineWish, Tally
from services.devops.domain.project import Project
from services.devops.domain.remnant import Remnant
from services.devops.domain.resource import PIPELINES, path_of


async def create_pipeline(unit: Unit, project: str, wish: PipelineWish, *, uid: str, by: str, at: datetime) -> Pipeline:
    """Keep a new pipeline. Raises `Missing` for the project, `Invalid`, `Exists`, `Conflict` when there are many."""
    home = await projects.find(unit, project)
    made = domain.make(wish, project, uid=uid, by=by, at=at)
    if await unit.of(Pipeline).look(made.path) is not None:
        raise PIPELINES.exists(made.name)
    if await unit.of(Remnant).look(made.path) is not None:
        text = f'pipelines.devops.kubesphere.io "{made.name}" is still being removed: try again in a moment'
        raise Conflict("pipeline-remains", text, resource=PIPELINES.plural, name=made.name)
    if await unit.of(Pipeline).count(Find((Equal("project", project),))) >= MOST:
        text = f"the project {project} has {MOST} pipelines, which is the most"
        raise Conflict("too-many-pipelines", text, resource=PIPELINES.plural, name=made.name)
    kept = await unit.of(Pipeline).add(made)
    return _told(unit, home, kept, domain.created(kept, home.workspace, by))


async def change_pipeline(
    unit: Unit, project: str, wish: PipelineWish, *, by: str, script: bool = False, where: str = ""
) -> Pipeline:
    """Replace what a pipeline is: the last write wins. Raises `Missing`, `Invalid`."""
    home = await projects.find(unit, project)
    before = await unit.of(Pipeline).look(path_of(project, wish.name))
    if before is None and where:
        fault = PIPELINES.missing(wish.name)
        raise Malformed(fault.slug, f"cannot found pipeline {where}/{wish.name}, error: {fault.text}")
    if before is None:
        raise PIPELINES.missing(wish.name)
    kept = await unit.of(Pipeline).put(domain.change(before, wish, script=script))
    return _told(unit, home, kept, domain.changed(kept, home.workspace, by))


async def rewrite_pipeline(unit: Unit, project: str, name: str, text: str, model: str, *, by: str) -> Pipeline:
    """Give a pipeline another Jenkinsfile, which has been read. Raises `Missing`."""
    home = await projects.find(unit, project)
    kept = await unit.of(Pipeline).put(domain.rewrite(await find(unit, project, name), text, model))
    return _told(unit, home, kept, domain.changed(kept, home.workspace, by))


async def delete_pipeline(unit: Unit, project: str, name: str, *, by: str) -> None:
    """Remove a pipeline; its runs with their files are swept by a worker, which ends those that run. Raises
    `Missing`.
    """
    home = await projects.find(unit, project)
    gone = await find(unit, project, name)
    await unit.of(Pipeline).drop(gone.path)
    if await unit.of(Tally).look(gone.path) is not None:
        await unit.of(Tally).drop(gone.path)
        await unit.of(Remnant).put(Remnant(path=gone.path, project=project, pipeline=name))
    _told(unit, home, gone, domain.deleted(gone, home.workspace, by))


async def find(unit: Unit, project: str, name: str) -> Pipeline:
    """The pipeline. Raises `Missing`."""
    found = await unit.of(Pipeline).look(path_of(project, name))
    if found is None:
        raise PIPELINES.missing(name)
    return found


def _told(unit: Unit, home: Project, pipeline: Pipeline, event: Event) -> Pipeline:
    unit.emit(event, subject=domain.subject(pipeline), workspace=home.workspace, about=pipeline)
    return pipeline
