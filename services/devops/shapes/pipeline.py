"""Pipeline (devops.kubesphere.io/v1alpha3): names in `spec` are snake_case (devops-apps-mesh 2.2)."""

from __future__ import annotations

from typing import Any

from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.devops.domain.pipeline import SPEC_BYTES, Pipeline, PipelineWish
from services.devops.domain.resource import PIPELINES
from services.devops.shapes.bounded import bounded
from services.devops.shapes.metadata import JsonObject, free, metadata, typed


class PipelineShape(ObjectShape):
    """A pipeline of `spec.type` pipeline or multi-branch-pipeline; runs follow `spec.pipeline.jenkinsfile`."""

    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


class ScriptShape(Shape):
    """A Jenkinsfile, or its model as JSON text."""

    data: str


def pipeline(kept: Pipeline) -> JsonObject:
    """The pipeline."""
    return {"metadata": metadata(kept, namespace=kept.project), "spec": free(kept.spec), "status": {}}


def typed_pipeline(kept: Pipeline) -> JsonObject:
    """The pipeline with its kind."""
    return typed(PIPELINES, "v1alpha3", pipeline(kept))


def pipeline_wish(body: Any, name: str = "") -> PipelineWish:
    """The pipeline that a client wants, of this name where the path has it. Raises `Malformed`."""
    whole = Reading.of(body)
    about = whole.inside("metadata")
    return PipelineWish(
        name=name or about.text("name"),
        generate_name=about.text("generateName"),
        labels=about.mapping("labels"),
        annotations=about.mapping("annotations"),
        spec=bounded(whole.inside("spec").value, "spec", SPEC_BYTES),
    )
