"""A pipeline of a project: its settings, and the Jenkinsfile that its runs follow (devops-apps-mesh 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from libs.shared.contracts.devops_v1 import PipelineChanged, PipelineCreated, PipelineDeleted
from libs.shared.errors import Malformed
from libs.shared.objects import names
from libs.shared.store.protocol import Document, Index
from services.devops.domain.jenkinsfile.model import Parameter
from services.devops.domain.jenkinsfile.model import Pipeline as Script
from services.devops.domain.jenkinsfile.parser import parse
from services.devops.domain.resource import CREATOR, PIPELINES, Housed, check_metadata, generated, path_of

SIMPLE: Final = "pipeline"
MANY_BRANCHES: Final = "multi-branch-pipeline"
SPEC_BYTES: Final = 512 << 10
MOST: Final = 1000
"""Pipelines of a project."""
PREFIX: Final = "pipeline.devops.kubesphere.io/"
MODEL: Final = PREFIX + "jenkinsfile"
EDIT_MODE: Final = PREFIX + "jenkinsfile.edit.mode"
VALIDATED: Final = PREFIX + "jenkinsfile.validate"
KINDS: Final[Mapping[str, str]] = {
    "string": "string", "text": "text", "boolean": "boolean", "choice": "choice", "password": "password",
}  # fmt: skip


class Pipeline(Housed):
    """One pipeline. `spec` is kept as it was given; `creator` is who asked for it, whatever an annotation says."""

    COLLECTION: ClassVar[str] = "pipelines"
    WATCHED: ClassVar[bool] = True
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)),)

    creator: str = ""
    spec: Mapping[str, Any] = {}


class Tally(Document):
    """How many runs a pipeline has had: what its runs are numbered by."""

    COLLECTION: ClassVar[str] = "tallies"
    KEY: ClassVar[str] = "path"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)),)

    path: str
    project: str
    runs: int = 0


@dataclass(frozen=True, slots=True)
class PipelineWish:
    """A pipeline as somebody wants it."""

    name: str
    generate_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def make(wish: PipelineWish, project: str, *, uid: str, by: str, at: datetime) -> Pipeline:
    """A new pipeline. Raises `Invalid`."""
    name = wish.name or (generated(wish.generate_name, uid) if wish.generate_name else "")
    check_metadata(PIPELINES, name, wish.labels, wish.annotations)
    if names.label_value(name):
        raise Malformed("pipeline-name", f'Pipeline.devops.kubesphere.io "{name}": a name has at most 63 characters')
    return Pipeline(
        path=path_of(project, name),
        project=project,
        name=name,
        generate_name=wish.generate_name,
        uid=uid,
        labels=wish.labels,
        annotations=_signed(wish.annotations, by),
        created_at=at,
        creator=by,
        spec=wish.spec,
    )


def change(before: Pipeline, wish: PipelineWish, *, script: bool = False) -> Pipeline:
    """The pipeline as wished. Its Jenkinsfile stays unless `script`: the console changes it by another call."""
    check_metadata(PIPELINES, before.name, wish.labels, wish.annotations)
    spec = dict(wish.spec) if script else _with_script(wish.spec, jenkinsfile(before.spec))
    return before.changed(labels=wish.labels, annotations=_signed(wish.annotations, before.creator), spec=spec)


def rewrite(before: Pipeline, text: str, model: str) -> Pipeline:
    """The pipeline with another Jenkinsfile, whose model is in an annotation for the graphical editor."""
    annotations = {key: value for key, value in before.annotations.items() if key != EDIT_MODE}
    return before.changed(
        spec=_with_script(before.spec, text), annotations=annotations | {MODEL: model, VALIDATED: "success"}
    )


def _signed(annotations: Mapping[str, str], creator: str) -> dict[str, str]:
    """A creator that is named is who it was: he may approve runs."""
    return {**annotations, CREATOR: creator} if CREATOR in annotations else dict(annotations)


def _with_script(spec: Mapping[str, Any], text: str) -> dict[str, Any]:
    if not text or spec.get("type", SIMPLE) != SIMPLE:
        return dict(spec)
    inner = spec.get(SIMPLE)
    return {**spec, SIMPLE: {**(inner if isinstance(inner, Mapping) else {}), "jenkinsfile": text}}


def kind_of(spec: Mapping[str, Any]) -> str:
    """`spec.type`, or empty text where it is none."""
    found = spec.get("type", SIMPLE)
    return found if isinstance(found, str) else ""


def settings(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the spec that is of its type."""
    found = spec.get("multi_branch_pipeline" if kind_of(spec) == MANY_BRANCHES else SIMPLE)
    return found if isinstance(found, Mapping) else {}


def jenkinsfile(spec: Mapping[str, Any]) -> str:
    """The Jenkinsfile of a simple pipeline; empty where there is none yet. Raises `Malformed` for what is no text."""
    found = settings(spec).get("jenkinsfile") or ""
    if not isinstance(found, str):
        raise Malformed("wrong-type", "spec.pipeline.jenkinsfile should be text")
    return found


def read(spec: Mapping[str, Any]) -> Script | None:
    """The Jenkinsfile, read: None where there is none yet. Raises `Invalid` with line, column and construct."""
    text = jenkinsfile(spec) if kind_of(spec) == SIMPLE else ""
    return parse(text) if text.strip() else None


def parameters(spec: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """What the pipeline's own settings say that a run may be given; what can be no variable is passed over."""
    found = []
    given = settings(spec).get("parameters")
    for one in given if isinstance(given, (list, tuple)) else ():
        texts = {key: value for key, value in one.items() if isinstance(value, str)} if isinstance(one, Mapping) else {}
        name, kind = texts.get("name", ""), KINDS.get(texts.get("type", "string"))
        if kind is None or not (name.isidentifier() and name.isascii()):
            continue
        default = texts.get("default_value", "")
        choices = tuple(filter(None, default.splitlines())) if kind == "choice" else ()
        found.append(Parameter(name, kind, choices[0] if choices else default, texts.get("description", ""), choices))
    return tuple(found)


def subject(pipeline: Pipeline) -> str:
    """What its events are about."""
    return f"pipelines/{pipeline.path}"


def created(pipeline: Pipeline, workspace: str, by: str) -> PipelineCreated:
    """That it stands."""
    return PipelineCreated(**_told(pipeline, workspace, by))


def changed(pipeline: Pipeline, workspace: str, by: str) -> PipelineChanged:
    """That it is another now."""
    return PipelineChanged(**_told(pipeline, workspace, by))


def deleted(pipeline: Pipeline, workspace: str, by: str) -> PipelineDeleted:
    """That it is gone."""
    return PipelineDeleted(**_told(pipeline, workspace, by))


def _told(pipeline: Pipeline, workspace: str, by: str) -> dict[str, str]:
    return {
        "project": pipeline.project,
        "workspace": workspace,
        "pipeline": pipeline.name,
        "uid": pipeline.uid,
        "by": by,
    }
