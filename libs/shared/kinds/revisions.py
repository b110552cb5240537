"""What a PUT or a patch makes of an object, as a function from the one that stands to the one that is to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from libs.shared.errors import Invalid, Malformed
from libs.shared.kinds.bodies import JSON_PATCH
from libs.shared.kinds.kind import JsonObject, Kind
from libs.shared.objects import pointers
from libs.shared.objects.patches import Operation, apply_patch, merge, read_patch

Revise = Callable[[JsonObject], JsonObject]


def put(body: JsonObject) -> Revise:
    """The body itself, whatever stands."""
    return lambda _: deepcopy(body)


def patch(kind: Kind[Any], media: str, raw: Any) -> Revise:
    """A JSON or merge patch on the redacted object. Raises `Malformed` now for one that can't be read; the function
    raises `Invalid` for one that doesn't apply.
    """
    if media == JSON_PATCH:
        operations = tuple(_blind(kind, operation) for operation in read_patch(raw))
        return lambda current: _object(apply_patch(current, operations))
    if not isinstance(raw, dict):
        raise Malformed("patch-unreadable", "a merge patch of an object is an object")
    return lambda current: _object(merge(current, raw))


def _blind(kind: Kind[Any], operation: Operation) -> Operation:
    """An operation on a write-only field, which nobody can see: replacing is adding, and anything that would tell what
    stands there is refused.
    """
    secrets = [pointers.steps(pointer) for pointer in kind.write_only]
    if _within(operation.source, secrets):
        raise _unreadable(operation.op, operation.source)
    if not _within(operation.path, secrets):
        return operation
    if operation.op == "replace" and operation.path in secrets:
        return replace(operation, op="add")
    if operation.op == "add" and operation.path in secrets:
        return operation
    raise _unreadable(operation.op, operation.path)


def _within(path: pointers.Steps, secrets: Sequence[pointers.Steps]) -> bool:
    return any(path[: len(secret)] == secret for secret in secrets)


def _unreadable(op: str, path: pointers.Steps) -> Invalid:
    return Invalid(
        "field-write-only",
        f"{op} operation does not apply: {pointers.pointer(path)} is write-only: it can be added or replaced, and"
        " neither read nor tested",
    )


def _object(result: Any) -> JsonObject:
    if not isinstance(result, dict):
        raise Invalid("patch-does-not-apply", "what a patch makes of an object is an object")
    return result
