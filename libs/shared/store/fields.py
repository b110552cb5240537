"""Dotted field paths against a model: whether a path names one value, a list's members, or something open.

Adapters ask it once a declared index or a queried field; it reads annotations, never data.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from libs.shared.errors import Invalid
from libs.shared.store.protocol import Document


class Shape(Enum):
    """What stands at the end of a path."""

    ONE = auto()
    """One plain value, or nothing."""
    MANY = auto()
    """A list, whose members are meant."""
    OPEN = auto()
    """Whatever a mapping or an untyped field holds."""


@dataclass(frozen=True, slots=True)
class Path:
    """A resolved path. `through` says that a list stands before its end: a list of objects."""

    field: str
    parts: tuple[str, ...]
    shape: Shape
    through: bool = False


@lru_cache(maxsize=4096)
def path(kind: type[Document], field: str) -> Path:
    """Resolve a dotted path; raises `Invalid` when the model has no such field or it is an object."""
    parts = tuple(field.split("."))
    model: Any = kind
    many = through = False
    for part in parts:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return _open(kind, field, parts, model)
        through = through or many
        if part not in model.model_fields:
            raise Invalid(
                "unknown-field", f"{kind.collection()} has no field {field!r}: {model.__name__} lacks {part!r}"
            )
        model, listed = _stripped(model.model_fields[part].annotation)
        many = many or listed
    if isinstance(model, type) and issubclass(model, BaseModel):
        raise Invalid("field-is-object", f"{field!r} of {kind.collection()} is an object; name a field inside it")
    if _is_open(model):
        return Path(field, parts, Shape.MANY if many else Shape.OPEN, through)
    return Path(field, parts, Shape.MANY if many else Shape.ONE, through)


def values(body: Mapping[str, Any], parts: tuple[str, ...]) -> Iterator[Any]:
    """The plain values at the end of a path in decoded JSON: one, or each member of a list. Objects give none."""
    here: list[Any] = [body]
    for part in parts:
        here = [value[part] for item in here for value in _members(item) if isinstance(value, dict) and part in value]
    for item in here:
        for value in _members(item):
            if value is not None and not isinstance(value, dict | list):
                yield value


def _members(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _open(kind: type[Document], field: str, parts: tuple[str, ...], reached: Any) -> Path:
    if not _is_open(reached):
        raise Invalid("unknown-field", f"{kind.collection()} has no field {field!r}: it goes beyond a plain value")
    return Path(field, parts, Shape.OPEN)


def _is_open(annotation: Any) -> bool:
    if annotation in (Any, object, None):
        return True
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _stripped(annotation: Any) -> tuple[Any, bool]:
    """The annotation without Optional, Annotated and list, and whether it was a list; a true union is open."""
    many = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            rest = [arg for arg in get_args(annotation) if arg is not type(None)]
            annotation = rest[0] if len(rest) == 1 or not any(_composite(arg) for arg in rest) else Any
        elif _is_list(origin or annotation):
            annotation, many = next(iter(get_args(annotation)), Any), True
        else:
            return annotation, many


def _is_list(origin: Any) -> bool:
    if not isinstance(origin, type) or issubclass(origin, str | bytes | Mapping):
        return False
    return issubclass(origin, Collection)


def _composite(annotation: Any) -> bool:
    origin = get_origin(annotation) or annotation
    if not isinstance(origin, type):
        return origin is Any
    return issubclass(origin, BaseModel | Mapping) or _is_list(origin)
