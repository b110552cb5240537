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
REMEMBERED = 50_000
"""Series whose labels are remembered by their bytes."""
LABEL_TAG, VALUE_TAG, TIME_TAG = 0x0A, 0x09, 0x10
LONG = 0x80
"""From here on a length has further bytes."""
PLAIN = 10
"""Where the time of a sample begins that has its value first."""
Field = tuple[int, bytes | int]


class Decoder:
    """Reads requests of senders that tell of the same series again and again: its labels are taken apart once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Labels] = {}

    def readings(self, raw: bytes) -> list[Reading]:
        """The samples of a request; raises `Malformed` for what is none, `Invalid` for labels that aren't accepted."""
        found: list[Reading] = []
        for number, value in fields(raw):
            if number == 1 and isinstance(value, bytes):
                found += self._series(value)
        return found

    def _series(self, raw: bytes) -> list[Reading]:
        end = _head(raw)
        rest = [(number, value) for number, value in fields(raw[end:]) if isinstance(value, bytes)]
        if any(number == 1 for number, _ in rest):  # labels among the samples: nobody writes so, and it may be read
            labels = checked(
                [_label(value) for number, value in fields(raw) if number == 1 and isinstance(value, bytes)]
            )
        else:
            labels = self._labels(raw[:end])
        return [(labels, *_sample(value)) for number, value in rest if number == 2]  # noqa: PLR2004  # the field's number

    def _labels(self, raw: bytes) -> Labels:
        known = self._known.get(raw)
        if known is None:
            known = checked([_label(value) for _, value in fields(raw) if isinstance(value, bytes)])
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[raw] = known
        return known


def _head(raw: bytes) -> int:
    """Where the labels end that stand at the beginning."""
    at = 0
    while at + 1 < len(raw) and raw[at] == LABEL_TAG:
        length, begin = (raw[at + 1], at + 2) if raw[at + 1] < LONG else varint(raw, at + 1)
        at = begin + length
    return min(at, len(raw))


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
    if len(raw) > PLAIN and raw[0] == VALUE_TAG and raw[PLAIN - 1] == TIME_TAG:  # as everybody writes it
        at, end = varint(raw, PLAIN)
        if end == len(raw):
            return at - (1 << 64) if at >= 1 << 63 else at, DOUBLE.unpack_from(raw, 1)[0]
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
