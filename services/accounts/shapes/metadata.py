"""Metadata of an object, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libs.shared.objects import meta
from services.accounts.domain.resource import Noun, Resource

JsonObject = dict[str, Any]


def typed(noun: Noun, version: str, **whole: Any) -> JsonObject:
    """An object with its kind and version."""
    return {"kind": noun.kind, "apiVersion": f"{noun.group}/{version}", **whole}


def metadata(kept: Resource, *, annotations: Mapping[str, str] | None = None, generate_name: str = "") -> JsonObject:
    """`metadata` of a document; `annotations` come on top of its own, empty ones are left out."""
    extra = {key: value for key, value in (annotations or {}).items() if value}
    return meta.metadata(
        kept.name,
        generate_name=generate_name,
        uid=kept.uid,
        revision=kept.stamp.revision,
        generation=kept.generation,
        created=kept.created_at,
        labels=kept.labels,
        annotations={**kept.annotations, **extra},
    )
