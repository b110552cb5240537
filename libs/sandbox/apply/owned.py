"""Sets of fields, as `managedFields` writes them (FieldsV1): `f:` a member, `k:` an item by its keys, `v:` of a set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from libs.sandbox.apply.keys import identity, is_set, keys

Fields = dict[str, Any]
_SELF: Final = "."
_UNOWNED: Final = frozenset({"apiVersion", "kind"})
_SERVERS: Final = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"}
    | {"deletionGracePeriodSeconds", "managedFields", "selfLink", "generateName"}
)


def of(body: Mapping[str, Any]) -> Fields:
    """Every field that an object says, but those that are the server's."""
    rest = {key: value for key, value in body.items() if key not in _UNOWNED}
    metadata = rest.get("metadata")
    if isinstance(metadata, Mapping):
        rest["metadata"] = {key: value for key, value in metadata.items() if key not in _SERVERS}
    found = _members(rest)
    if not found.get("f:metadata", True):
        del found["f:metadata"]
    return found


def _members(thing: Mapping[str, Any]) -> Fields:
    return {f"f:{key}": _inside(key, value) for key, value in thing.items()}


def _inside(field: str, value: Any) -> Fields:
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list):
        if is_set(field):
            return {f"v:{orjson.dumps(item).decode()}": {} for item in value}
        if names := keys(field, value):
            return {named(item, names): {_SELF: {}, **_members(item)} for item in value}
    return {}


def named(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """How an item of a keyed list is called."""
    pairs = dict(zip(names, identity(item, names), strict=True))
    return f"k:{orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS).decode()}"


def without(fields: Fields, others: Fields) -> Fields:
    """The fields that aren't among the others; a branch stays where a leaf of it does."""
    left: Fields = {}
    for key, below in fields.items():
        if key not in others:
            left[key] = below
        elif below and (rest := without(below, others[key])):
            left[key] = rest
    return left


def together(one: Fields, other: Fields) -> Fields:
    """The fields of both."""
    whole = dict(one)
    for key, below in other.items():
        whole[key] = together(whole[key], below) if key in whole else below
    return whole
