"""Kubernetes' protobuf bodies, as far as Helm sends them: Secret and DeleteOptions, read into JSON's shape.

A small reader of the wire, bounded by the body's size and by the depth of the shapes; unknown fields are passed over.
Source: generated.proto of k8s.io/api/core/v1 and k8s.io/apimachinery (meta/v1, runtime).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from libs.shared.errors import Malformed, Unsupported
from libs.shared.objects import meta

MAGIC: Final = b"k8s\x00"
MEDIA: Final = "application/vnd.kubernetes.protobuf"


class Kind(StrEnum):
    """How a field's value is read."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    BYTES = "bytes"
    """base64 in JSON."""
    TIME = "time"
    RAW = "raw"
    """JSON inside of protobuf (FieldsV1)."""
    MESSAGE = "message"
    TEXTS = "texts"
    """map<string, string>"""
    BLOBS = "blobs"
    """map<string, bytes>"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    kind: Kind = Kind.TEXT
    many: bool = False
    shape: Mapping[int, Field] | None = None


_OWNER: Final[Mapping[int, Field]] = {
    1: Field("kind"),
    3: Field("name"),
    4: Field("uid"),
    5: Field("apiVersion"),
    6: Field("controller", Kind.FLAG),
    7: Field("blockOwnerDeletion", Kind.FLAG),
}
_MANAGED: Final[Mapping[int, Field]] = {
    1: Field("manager"),
    2: Field("operation"),
    3: Field("apiVersion"),
    4: Field("time", Kind.TIME),
    6: Field("fieldsType"),
    7: Field("fieldsV1", Kind.RAW),
    8: Field("subresource"),
}
_META: Final[Mapping[int, Field]] = {
    1: Field("name"),
    2: Field("generateName"),
    3: Field("namespace"),
    5: Field("uid"),
    6: Field("resourceVersion"),
    7: Field("generation", Kind.NUMBER),
    8: Field("creationTimestamp", Kind.TIME),
    9: Field("deletionTimestamp", Kind.TIME),
    10: Field("deletionGracePeriodSeconds", Kind.NUMBER),
    11: Field("labels", Kind.TEXTS),
    12: Field("annotations", Kind.TEXTS),
    13: Field("ownerReferences", Kind.MESSAGE, many=True, shape=_OWNER),
    14: Field("finalizers", many=True),
    17: Field("managedFields", Kind.MESSAGE, many=True, shape=_MANAGED),
}
_SHAPES: Final[Mapping[str, Mapping[int, Field]]] = {
    "Secret": {
        1: Field("metadata", Kind.MESSAGE, shape=_META),
        2: Field("data", Kind.BLOBS),
        3: Field("type"),
        4: Field("stringData", Kind.TEXTS),
        5: Field("immutable", Kind.FLAG),
    },
    "DeleteOptions": {
        1: Field("gracePeriodSeconds", Kind.NUMBER),
        2: Field("preconditions", Kind.MESSAGE, shape={1: Field("uid"), 2: Field("resourceVersion")}),
        3: Field("orphanDependents", Kind.FLAG),
        4: Field("propagationPolicy"),
        5: Field("dryRun", many=True),
    },
}
_TYPE: Final[Mapping[int, Field]] = {1: Field("apiVersion"), 2: Field("kind")}
_ENVELOPE: Final[Mapping[int, Field]] = {1: Field("type", Kind.MESSAGE, shape=_TYPE), 2: Field("raw", Kind.BYTES)}
_VARINT = 0
_LONGEST_VARINT = 10


def read(raw: bytes) -> dict[str, Any]:
    """The object in this body, as its JSON would be; raises `Malformed`, `Unsupported` for other kinds."""
    if not raw.startswith(MAGIC):
        raise _unreadable("it does not begin as Kubernetes' protobuf does")
    envelope = _message(memoryview(raw)[len(MAGIC) :], _ENVELOPE)
    names = envelope.get("type") or {}
    shape = _SHAPES.get(names.get("kind", ""))
    if shape is None:
        kinds = " and ".join(_SHAPES)
        raise Unsupported("protobuf-kind", f"bodies in protobuf are taken of {kinds} here, send JSON for others")
    return {**names, **_message(memoryview(base64.b64decode(envelope.get("raw", ""))), shape)}


def _message(raw: memoryview, shape: Mapping[int, Field]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(raw):
        field = shape.get(number)
        if field is None:
            continue
        if field.kind in (Kind.TEXTS, Kind.BLOBS):
            key, item = _entry(value, Kind.BYTES if field.kind is Kind.BLOBS else Kind.TEXT)
            found.setdefault(field.name, {})[key] = item
        elif field.many:
            found.setdefault(field.name, []).append(_value(field, value))
        elif (read := _value(field, value)) not in (None, ""):
            found[field.name] = read
    return found


def _entry(raw: int | memoryview, kind: Kind) -> tuple[str, str]:
    entry = {1: Field("key"), 2: Field("value", kind)}
    found = _message(_span(raw), entry)
    return found.get("key", ""), found.get("value", "")


def _value(field: Field, raw: int | memoryview) -> Any:
    if field.kind is Kind.NUMBER:
        return _int(raw)
    if field.kind is Kind.FLAG:
        return _int(raw) != 0
    span = _span(raw)
    if field.kind is Kind.MESSAGE:
        return _message(span, field.shape or {})
    return _READ[field.kind](span)


def _time(raw: memoryview) -> str | None:
    seconds = _message(raw, {1: Field("seconds", Kind.NUMBER)}).get("seconds")
    if seconds is None:
        return None
    try:
        return meta.instant(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        raise _unreadable("a time is out of range") from None


def _inner(raw: memoryview) -> Any:
    text = _message(raw, {1: Field("raw")}).get("raw", "{}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable("fieldsV1 holds no JSON") from None


def _fields(raw: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        wire = tag & 7
        value: int | memoryview
        if wire == _VARINT:
            value, at = _varint(raw, at)
        else:
            size, at = _size(raw, at, wire)
            if at + size > len(raw):
                raise _unreadable("it ends in the middle of a field")
            value, at = raw[at : at + size], at + size
        yield tag >> 3, value


def _size(raw: memoryview, at: int, wire: int) -> tuple[int, int]:
    match wire:
        case 2:
            return _varint(raw, at)
        case 1:
            return 8, at
        case 5:
            return 4, at
    raise _unreadable("a field has no known wire type")


def _varint(raw: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(raw):
            raise _unreadable("it ends in the middle of a number")
        byte = raw[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004  # the last byte of a number has no high bit
            return value & ((1 << 64) - 1), at + place + 1
    raise _unreadable("a number is too long")


def _int(raw: int | memoryview) -> int:
    if not isinstance(raw, int):
        raise _unreadable("a number is expected where there is none")
    return raw - (1 << 64) if raw >> 63 else raw


def _span(raw: int | memoryview) -> memoryview:
    if isinstance(raw, int):
        raise _unreadable("a number stands where there should be none")
    return raw


def _text(raw: memoryview) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise _unreadable("a text is no UTF-8") from None


def _unreadable(why: str) -> Malformed:
    return Malformed("protobuf-unreadable", f"the body can't be read as protobuf: {why}")


_READ: Final[Mapping[Kind, Callable[[memoryview], Any]]] = {
    Kind.TEXT: _text,
    Kind.BYTES: lambda span: base64.b64encode(span).decode(),
    Kind.TIME: _time,
    Kind.RAW: _inner,
}
