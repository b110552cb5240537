"""Metadata of an object, as clients see and send it."""

from __future__ import annotations

from typing import Any

from libs.shared.objects import meta
from services.devops.domain.resource import Noun, Resource

JsonObject = dict[str, Any]


def typed(noun: Noun, version: str, shown: JsonObject) -> JsonObject:
    """An object with its kind and version."""
    group = f"{noun.group}/" if noun.group else ""
    return {"kind": noun.kind, "apiVersion": f"{group}{version}", **shown}


def metadata(kept: Resource, *, namespace: str = "", counted: bool = True, **annotations: str) -> JsonObject:
    """`metadata` of a document; `annotations` come on top of its own. Kubernetes' own kinds count no generations."""
    return meta.metadata(
        kept.name,
        namespace=namespace,
        generate_name=kept.generate_name,
        uid=kept.uid,
        revision=kept.stamp.revision,
        generation=kept.generation if counted else 0,
        created=kept.created_at,
        labels=kept.labels,
        annotations={**kept.annotations, **annotations},
    )


def free(value: Any) -> Any:
    """A kept free part as plain JSON."""
    if isinstance(value, dict):
        return {key: free(item) for key, item in value.items()}
    return [free(item) for item in value] if isinstance(value, (list, tuple)) else value
