"""Prometheus' remote write 1.0: WriteRequest{timeseries=1 {labels=1 {name=1 value=2} samples=2 {value=1 time=2}}}."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from libs.shared.errors import Invalid, Malformed
from services.monitoring.domain.labels import NAME, Labels
from services.monitoring.domain.sample import Reading
from services.monitoring.domain.snappy import varint

DOUBLE = struct.Struct("<d")
MOST_LABELS = 64
LONGEST = 4096
Field = tuple[int, bytes | int]


def readings(raw: bytes) -> list[Reading]:
    """The samples of a request; raises `Malformed` for what is none, `Invalid` for labels that aren't accepted."""
    found: list[Reading] = []
    for number, value in fields(raw):
        if number == 1 and isinstance(value, bytes):
            found += _series(value)
    return found


def _series(raw: bytes) -> list[Reading]:
    pairs: list[tuple[str, str]] = []
    samples: list[tuple[int, float]] = []
    for number, value in fields(raw):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            pairs.append(_label(value))
        elif number == 2:  # noqa: PLR2004  # the field's number
            samples.append(_sample(value))
    labels = checked(pairs)
    return [(labels, at, value) for at, value in samples]


def checked(pairs: list[tuple[str, str]]) -> Labels:
    """Sorted labels; raises `Invalid` for too many, too long, repeated ones or none with the metric's name."""
    labels = tuple(sorted(pair for pair in pairs if pair[1]))
    names = [name for name, _ in labels]
    if len(labels) > MOST_LABELS or any(len(name) > LONGEST or len(value) > LONGEST for name, value in labels):
        raise Invalid("labels", f"a series may have {MOST_LABELS} labels of {LONGEST} characters")
    if NAME not in names or len(set(names)) < len(names) or "" in names:
        raise Invalid("labels", "a series is to have a name, and each label once")
    return labels


def _label(raw: bytes) -> tuple[str, str]:
    texts = {number: value for number, value in fields(raw) if isinstance(value, bytes)}
    try:
        return texts.get(1, b"").decode(), texts.get(2, b"").decode()
    except UnicodeDecodeError:
        raise Malformed("remote-write", "a label is not UTF-8") from None


def _sample(raw: bytes) -> tuple[int, float]:
    value, at = 0.0, 0
    for number, found in fields(raw):
        if number == 1 and isinstance(found, bytes):
            value = DOUBLE.unpack(found)[0]
        elif number == 2 and isinstance(found, int):  # noqa: PLR2004  # the field's number
            at = found - (1 << 64) if found >= 1 << 63 else found
    return at, value


def fields(raw: bytes) -> Iterator[Field]:
    """Numbers and values of a protocol buffer: varints as numbers, all else as bytes. Raises `Malformed`."""
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at)
        kind = tag & 7
        if kind == 0:
            number, at = varint(raw, at)
            yield tag >> 3, number
            continue
        if kind == 2:  # noqa: PLR2004  # wire types of the format
            length, at = varint(raw, at)
        else:
            length = {1: 8, 5: 4}.get(kind, -1)
        if length < 0 or at + length > len(raw):
            raise Malformed("remote-write", "the body is no WriteRequest of Prometheus' remote write 1.0")
        yield tag >> 3, raw[at : at + length]
        at += length
