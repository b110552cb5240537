"""The parts that every Kubernetes object is described with: for OpenAPI, for `fieldValidation`, and for tests.

They describe and refuse nothing by themselves: unknown fields are let through, whatever may be absent may be null, and
nothing is required. What must be there, and what a name may look like, is said by `meta` and by the commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from libs.shared.objects import names

T = TypeVar("T")
Name = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": f"^{names.SUBDOMAIN}$", "maxLength": names.SUBDOMAIN_LENGTH})
]
"""RFC 1123; described here, judged by `names`."""
_KEY: Mapping[str, Any] = {
    "pattern": f"^({names.SUBDOMAIN}/)?{names.QUALIFIED}$",
    "maxLength": names.SUBDOMAIN_LENGTH + 1 + names.LABEL_LENGTH,
}
Labels = Annotated[
    dict[str, str | None],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": _KEY,
            "additionalProperties": {
                "type": ["string", "null"],
                "pattern": f"^{names.LABEL_VALUE}$",
                "maxLength": names.LABEL_LENGTH,
            },
        }
    ),
]
Annotations = Annotated[
    dict[str, str | None],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": _KEY,
            "additionalProperties": {"type": ["string", "null"]},
        }
    ),
]


class Shape(BaseModel):
    """Wire JSON in camel case; a text is no number, and `"true"` no boolean."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True)


class OwnerReference(Shape):
    """What an object hangs on."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Shape):
    """Kubernetes' meta/v1 ObjectMeta; what only the server says is overruled."""

    name: Name | None = None
    generate_name: str | None = Field(default=None, description="a prefix, where no name is given")
    namespace: str | None = None
    labels: Labels | None = None
    annotations: Annotations | None = None
    resource_version: str | None = Field(default=None, description="the version that was read, for an update")
    uid: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    finalizers: list[str] | None = None
    owner_references: list[OwnerReference] | None = None
    managed_fields: list[dict[str, Any]] | None = None
    self_link: str | None = None


class ObjectShape(Shape):
    """What every object has."""

    api_version: str | None = None
    kind: str | None = None
    metadata: ObjectMeta | None = None


class ListMeta(Shape):
    """Kubernetes' meta/v1 ListMeta."""

    resource_version: str | None = None
    continue_: str | None = Field(default=None, alias="continue")
    remaining_item_count: int | None = None


class ObjectList(Shape, Generic[T]):
    """A list of objects as Kubernetes gives it."""

    api_version: str
    kind: str
    metadata: ListMeta
    items: list[T]


class PatchOperation(Shape):
    """One operation of a JSON patch (RFC 6902)."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str = Field(description="a JSON pointer (RFC 6901)")
    value: Any = None
    from_: str | None = Field(default=None, alias="from")


class Preconditions(Shape):
    """What an object must be to be deleted."""

    uid: str | None = None
    resource_version: str | None = None


class DeleteOptions(Shape):
    """Kubernetes' meta/v1 DeleteOptions, as far as they mean anything here."""

    kind: Literal["DeleteOptions"] | None = None
    api_version: str | None = None
    propagation_policy: Literal["Orphan", "Background", "Foreground"] | None = None
    grace_period_seconds: int | None = None
    orphan_dependents: bool | None = None
    preconditions: Preconditions | None = None
    dry_run: list[str] | None = None
