"""Kubernetes' reviews in protobuf, as its own clients send them (`kubectl auth can-i`), read into JSON's shape.

Bounded by the body's size, and by the depth of the shapes; fields that aren't known are passed over. Source:
generated.proto of k8s.io/api/authorization/v1 and k8s.io/apimachinery/pkg/runtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.shared.errors import Malformed

MEDIA: Final = "application/vnd.kubernetes.protobuf"
MAGIC: Final = b"k8s\x00"
Shape = Mapping[int, tuple[str, Any]]
"""Number of a field -> its name in JSON, and the shape of the message that it holds (None: text)."""

RESOURCE: Final[Shape] = {
    1: ("namespace", None),
    2: ("verb", None),
    3: ("group", None),
    4: ("version", None),
    5: ("resource", None),
    6: ("subresource", None),
    7: ("name", None),
}
ACCESS: Final[Shape] = {
    1: ("resourceAttributes", RESOURCE),
    2: ("nonResourceAttributes", {1: ("path", None), 2: ("verb", None)}),
}
SPECS: Final[Mapping[str, Shape]] = {
    "SelfSubjectAccessReview": {2: ("spec", ACCESS)},
    "SelfSubjectRulesReview": {2: ("spec", {1: ("namespace", None)})},
    "SelfSubjectReview": {},
}
TYPE: Final[Shape] = {1: ("apiVersion", None), 2: ("kind", None)}
VARINT, FIXED64, SPAN, FIXED32 = 0, 1, 2, 5
WIDTHS: Final[Mapping[int, int]] = {FIXED64: 8, FIXED32: 4}
LONGEST: Final = 10
"""Bytes of a number."""
MORE, LOW = 0x80, 0x7F


def read(raw: bytes) -> dict[str, Any]:
    """The review in this body; raises `Malformed`."""
    if not raw.startswith(MAGIC):
        raise _unreadable("it does not begin as Kubernetes' protobuf does")
    envelope = dict(_fields(raw[len(MAGIC) :]))
    names = _message(envelope.get(1, b""), TYPE)
    return {**names, **_message(envelope.get(2, b""), SPECS.get(names.get("kind", ""), {}))}


def _message(raw: bytes, shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(raw):
        if number in shape:
            name, inner = shape[number]
            found[name] = _text(value) if inner is None else _message(value, inner)
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _unreadable("a text in it is not UTF-8") from None


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field that has a length; others are passed over."""
    at = 0
    while at < len(raw):
        tag, at = _number(raw, at)
        length = WIDTHS.get(tag & 7, 0)
        if tag & 7 in (VARINT, SPAN):
            length, at = _number(raw, at)
        elif not length:
            raise _unreadable("it holds a field of no known type")
        if tag & 7 == VARINT:
            continue
        if at + length > len(raw):
            raise _unreadable("it ends too early")
        if tag & 7 == SPAN:
            yield tag >> 3, raw[at : at + length]
        at += length


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    found = 0
    for shift, byte in enumerate(raw[at : at + LONGEST]):
        found |= (byte & LOW) << 7 * shift
        if not byte & MORE:
            return found, at + shift + 1
    raise _unreadable("it ends too early")


def _unreadable(why: str) -> Malformed:
    return Malformed("protobuf-unreadable", f"the body is no review in protobuf: {why}")
