"""Strategy and ServicePolicy (servicemesh.kubesphere.io/v1alpha2)."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from libs.shared.objects import meta
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.mesh.domain.governing import Governing, Wish

JsonObject = dict[str, Any]


class Free(Shape):
    """A part that is kept as it is."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, extra="allow")


class TemplateShape(Shape):
    """An object of Istio's to be."""

    metadata: Free | None = None
    spec: Free | None = None


class SelectorShape(Shape):
    """A label selector."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Free] | None = None


class StrategySpec(Shape):
    """How a component's traffic is shared between its versions."""

    type: str | None = Field(default=None, description="Canary, BlueGreen or Mirror: for people; the routes decide")
    principal: str | None = Field(default=None, description="the version that it started from")
    governor: str | None = Field(default=None, description="the version that takes all traffic")
    selector: SelectorShape | None = None
    template: TemplateShape | None = Field(default=None, description="its spec is that of a VirtualService")
    strategy_policy: str | None = Field(default=None, description="WaitForWorkloadReady, Immediately or Paused")


class StrategyShape(ObjectShape):
    """A strategy: its label `app` names the component."""

    spec: StrategySpec | None = None
    status: Free | None = None


class PolicySpec(Shape):
    """Load balancing, connection pools, outlier detection and TLS of a component."""

    selector: SelectorShape | None = None
    template: TemplateShape | None = Field(default=None, description="its spec is that of a DestinationRule")


class PolicyShape(ObjectShape):
    """A service policy: its label `app` names the component."""

    spec: PolicySpec | None = None
    status: Free | None = None


def shown(kept: Governing) -> JsonObject:
    """The object."""
    about = meta.metadata(
        kept.name,
        namespace=kept.namespace,
        generate_name=kept.generate_name,
        uid=kept.uid,
        revision=kept.stamp.revision,
        generation=kept.generation,
        created=kept.created_at,
        labels=kept.labels,
        annotations=kept.annotations,
    )
    return {"metadata": about, "spec": dict(kept.spec)}


def wish(body: JsonObject) -> Wish:
    """The object that a client wants; raises `Malformed` for a field of the wrong type."""
    whole = Reading.of(body)
    about = whole.inside("metadata")
    return Wish(
        namespace=about.text("namespace"),
        name=about.text("name"),
        generate_name=about.text("generateName"),
        labels=about.mapping("labels"),
        annotations=about.mapping("annotations"),
        spec=dict(whole.inside("spec").value),
    )
