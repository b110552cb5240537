"""JSON patch (RFC 6902) and merge patch (RFC 7386) as pure functions: the input is never changed.

Bounded on purpose: operations, depth, and the size of what results (a few `copy` operations can double a document
again and again). Statuses follow Kubernetes: a patch that can't be read is `Malformed` (400), one that doesn't apply
is `Invalid` (422), one past a bound is `TooLarge` (413).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from libs.shared.errors import Invalid, Malformed, TooLarge
from libs.shared.objects.pointers import Steps, pointer, same, steps, weigh

MOST_OPERATIONS = 10_000
"""Kubernetes' own bound."""
LARGEST = 3 << 20
"""Bytes, about, that a patched value may have: Kubernetes' bound for a request."""

_INDEX = re.compile("0|[1-9][0-9]{0,9}")
_WITH_VALUE = ("add", "replace", "test")
_WITH_FROM = ("move", "copy")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a JSON patch, read."""

    op: str
    path: Steps
    value: Any = None
    source: Steps = ()
    """`from`, for move and copy."""


def read_patch(patch: Any) -> tuple[Operation, ...]:
    """The operations of a JSON patch; raises `Malformed`, and `TooLarge` past `MOST_OPERATIONS`."""
    if not isinstance(patch, list):
        raise Malformed("patch-unreadable", f"a JSON patch is an array of operations, not {_kind(patch)}")
    if len(patch) > MOST_OPERATIONS:
        raise TooLarge(
            "patch-too-long",
            f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(patch)}",
        )
    return tuple(_operation(place, raw) for place, raw in enumerate(patch))


def apply_patch(document: Any, operations: Sequence[Operation]) -> Any:
    """The document after these operations, all or nothing.

    Raises `Invalid` when one doesn't apply or a `test` fails, `TooLarge` when the result is past a bound.
    """
    root = {"": deepcopy(document)}
    copied = 0
    for operation in operations:
        value = operation.value
        if operation.op in _WITH_FROM:
            value = _get(root, operation.source, operation.op)
            copied += weigh(value) if operation.op == "copy" else 0
            _bound(copied)
        _perform(root, operation, value)
    _bound(weigh(root[""]))
    return root[""]


def merge(document: Any, patch: Any) -> Any:
    """The document after this merge patch: null removes a member, objects merge, anything else replaces.

    Raises `TooLarge` when the patch or the result is past a bound.
    """
    _bound(weigh(patch))
    merged = _merged(document, patch)
    _bound(weigh(merged))
    return merged


def _merged(document: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return deepcopy(patch)
    merged = {key: deepcopy(value) for key, value in document.items() if key not in patch} if _maps(document) else {}
    for key, value in patch.items():
        if value is not None:
            merged[key] = _merged(document.get(key) if _maps(document) else None, value)
    return merged


def _operation(place: int, raw: Any) -> Operation:
    if not isinstance(raw, Mapping):
        raise Malformed("patch-unreadable", f"operation {place} of a JSON patch is an object, not {_kind(raw)}")
    op, path = raw.get("op"), raw.get("path")
    if op not in (*_WITH_VALUE, *_WITH_FROM, "remove"):
        raise Malformed(
            "patch-unreadable",
            f"operation {place}: op is one of add, remove, replace, move, copy, test, not {op!r}",
        )
    if not isinstance(path, str):
        raise Malformed("patch-unreadable", f"operation {place}: {op} needs path, a JSON pointer")
    if op in _WITH_VALUE and "value" not in raw:
        raise Malformed("patch-unreadable", f"operation {place}: {op} needs a value")
    source = raw.get("from") if op in _WITH_FROM else ""
    if not isinstance(source, str):
        raise Malformed("patch-unreadable", f"operation {place}: {op} needs from, a JSON pointer")
    value = raw.get("value") if op in _WITH_VALUE else None
    weigh(value)
    return Operation(op, steps(path), value, steps(source))


def _perform(root: dict[str, Any], operation: Operation, value: Any) -> None:
    match operation.op:
        case "test":
            if not same(_get(root, operation.path, "test"), value):
                raise _refused(f"testing value {pointer(operation.path)} failed: test failed")
        case "add":
            _add(root, operation.path, deepcopy(value), "add")
        case "copy":
            _add(root, operation.path, deepcopy(value), "copy")
        case "replace":
            holder, step = _holder(root, operation.path, "replace")
            _get(root, operation.path, "replace")
            _set(holder, step, deepcopy(value))
        case "remove":
            _remove(root, operation.path, "remove")
        case _:
            _move(root, operation, value)


def _move(root: dict[str, Any], operation: Operation, value: Any) -> None:
    source, path = operation.source, operation.path
    if source == path:
        return
    if path[: len(source)] == source:
        raise _refused(f"move operation does not apply: {pointer(source)} can't move into itself")
    _remove(root, source, "move")
    _add(root, path, value, "move")


def _get(root: dict[str, Any], path: Steps, op: str) -> Any:
    found: Any = root
    for step in ("", *path):
        if isinstance(found, Mapping):
            if step not in found:
                raise _absent(op, path)
            found = found[step]
        elif isinstance(found, list):
            found = found[_index(step, len(found), op, path)]
        else:
            raise _absent(op, path)
    return found


def _holder(root: dict[str, Any], path: Steps, op: str) -> tuple[Any, str]:
    """What holds the place, and the last step to it."""
    if not path:
        return root, ""
    try:
        return _get(root, path[:-1], op), path[-1]
    except Invalid:
        raise _absent(op, path) from None


def _add(root: dict[str, Any], path: Steps, value: Any, op: str) -> None:
    holder, step = _holder(root, path, op)
    if isinstance(holder, dict):
        holder[step] = value
    elif isinstance(holder, list):
        holder.insert(len(holder) if step == "-" else _index(step, len(holder) + 1, op, path), value)
    else:
        raise _absent(op, path)


def _remove(root: dict[str, Any], path: Steps, op: str) -> None:
    holder, step = _holder(root, path, op)
    if isinstance(holder, list):
        del holder[_index(step, len(holder), op, path)]
    elif not isinstance(holder, dict) or step not in holder:
        raise _absent(op, path)
    elif path:
        del holder[step]
    else:
        holder[""] = None


def _set(holder: Any, step: str, value: Any) -> None:
    """Put a value where one is already."""
    holder[int(step) if isinstance(holder, list) else step] = value


def _index(step: str, length: int, op: str, path: Steps) -> int:
    if not _INDEX.fullmatch(step) or int(step) >= length:
        raise _refused(
            f"{op} operation does not apply: {pointer(path)}: Unable to access invalid index: {step}: invalid index"
            " referenced",
        )
    return int(step)


def _absent(op: str, path: Steps) -> Invalid:
    return _refused(f"{op} operation does not apply: doc is missing path: {pointer(path)}: missing value")


def _refused(text: str) -> Invalid:
    return Invalid("patch-does-not-apply", text)


def _bound(size: int) -> None:
    if size > LARGEST:
        raise TooLarge("patch-too-large", f"a patch copies, and results in, at most {LARGEST} bytes")


def _maps(value: Any) -> bool:
    return isinstance(value, Mapping)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "a flag", type(None): "null"}
    return names.get(type(value), "a number")
