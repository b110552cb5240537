"""WorkspaceTemplate (tenant.kubesphere.io/v1alpha2) and the Workspace (v1alpha1) that follows from it."""

from __future__ import annotations

from typing import Any

from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectMeta, ObjectShape, Shape
from services.accounts.domain.resource import TEMPLATES, WORKSPACE, WORKSPACES
from services.accounts.domain.workspace import Workspace, WorkspaceWish
from services.accounts.shapes.metadata import JsonObject, metadata, typed


class WorkspaceSpec(Shape):
    """Who manages a workspace."""

    manager: str | None = None
    network_isolation: bool | None = None


class WorkspaceShape(ObjectShape):
    """A workspace."""

    spec: WorkspaceSpec | None = None
    status: dict[str, Any] | None = None


class InnerShape(Shape):
    """The workspace that a template makes."""

    metadata: ObjectMeta | None = None
    spec: WorkspaceSpec | None = None


class ClusterShape(Shape):
    """A cluster that a workspace is placed on."""

    name: str | None = None


class ClusterSelector(Shape):
    """Clusters by label."""

    match_labels: dict[str, str | None] | None = None


class Placement(Shape):
    """The clusters that a workspace is placed on."""

    clusters: list[ClusterShape] | None = None
    cluster_selector: ClusterSelector | None = None


class TemplateSpec(Shape):
    """The workspace, and where it is to be."""

    template: InnerShape | None = None
    placement: Placement | None = None
    overrides: list[dict[str, Any]] | None = None


class TemplateShape(ObjectShape):
    """A workspace template."""

    spec: TemplateSpec | None = None


def template(kept: Workspace) -> JsonObject:
    """The WorkspaceTemplate. Without clusters its placement is empty, as the original shows it."""
    about: JsonObject = {"creationTimestamp": None}
    if kept.template_labels:
        about["labels"] = dict(kept.template_labels)
    if kept.template_annotations:
        about["annotations"] = dict(kept.template_annotations)
    placement: JsonObject = {}
    if kept.clusters:
        placement["clusters"] = [{"name": cluster} for cluster in kept.clusters]
    if kept.cluster_selector is not None:
        placement["clusterSelector"] = {"matchLabels": dict(kept.cluster_selector)} if kept.cluster_selector else {}
    spec: JsonObject = {"template": {"metadata": about, "spec": _spec(kept)}, "placement": placement}
    if kept.overrides:
        spec["overrides"] = [dict(override) for override in kept.overrides]
    return typed(TEMPLATES, "v1alpha2", metadata=metadata(kept), spec=spec)


def workspace(kept: Workspace) -> JsonObject:
    """The Workspace: the same revision as its template, an identity of its own."""
    about = metadata(kept)
    for key, value in (("labels", kept.template_labels), ("annotations", kept.template_annotations)):
        about.pop(key, None)
        if value:
            about[key] = dict(value)
    about["uid"] = kept.workspace_uid
    return typed(WORKSPACES, "v1alpha1", metadata=about, spec=_spec(kept), status={})


def wish(body: Any) -> WorkspaceWish:
    """The workspace that a client wants; raises `Malformed` for a field of the wrong type."""
    whole = Reading.of(body)
    about, spec = whole.inside("metadata"), whole.inside("spec")
    inner, placement = spec.inside("template"), spec.inside("placement")
    selector = placement.inside("clusterSelector").mapping("matchLabels") if placement.has("clusterSelector") else None
    labels = {key: value for key, value in about.mapping("labels").items() if key != WORKSPACE}
    return WorkspaceWish(
        name=about.text("name"),
        labels=labels,
        annotations=about.mapping("annotations"),
        manager=inner.inside("spec").text("manager"),
        network_isolation=inner.inside("spec").flag("networkIsolation"),
        template_labels=inner.inside("metadata").mapping("labels"),
        template_annotations=inner.inside("metadata").mapping("annotations"),
        clusters=tuple(cluster.text("name") for cluster in placement.objects("clusters")),
        cluster_selector=selector,
        overrides=tuple(dict(override.value) for override in spec.objects("overrides")),
    )


def _spec(kept: Workspace) -> JsonObject:
    spec: JsonObject = {}
    if kept.manager:
        spec["manager"] = kept.manager
    if kept.network_isolation is not None:
        spec["networkIsolation"] = kept.network_isolation
    return spec
