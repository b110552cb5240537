"""What remote write's bodies say, whoever wrote them: order of fields, several samples, and snappy's copies."""

from __future__ import annotations

import struct

import pytest

from libs.shared.errors import Fault, Malformed
from services.monitoring.domain.remote import Decoder
from services.monitoring.domain.snappy import decompressed
from services.monitoring.tests.written import piece, request, varint

NAMED = piece(1, piece(1, b"__name__") + piece(2, b"x"))
OTHER = piece(1, piece(1, b"a") + piece(2, b"b"))
EMPTY = piece(1, piece(1, b"none") + piece(2, b""))
LABELS = (("__name__", "x"), ("a", "b"))
BEFORE_1970 = (1 << 64) - 5


def sample(value: float, at: int) -> bytes:
    return piece(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at))


def turned(value: float, at: int) -> bytes:
    return piece(2, b"\x10" + varint(at) + b"\x09" + struct.pack("<d", value))


@pytest.mark.parametrize(
    "series",
    [
        NAMED + OTHER + sample(1.5, 7),
        OTHER + EMPTY + NAMED + sample(1.5, 7),
        sample(1.5, 7) + OTHER + NAMED,
        NAMED + sample(1.5, 7) + OTHER,
        NAMED + OTHER + turned(1.5, 7),
        NAMED + OTHER + piece(9, b"to come") + sample(1.5, 7),
    ],
)
def test_fields_are_read_in_any_order(series):
    """The same series and sample, the first time and again."""
    decoder = Decoder()
    for _ in range(2):
        assert decoder.readings(piece(1, series)) == [(LABELS, 7, 1.5)]


def test_several_samples_and_series_are_told_apart():
    """Moments before 1970 as well; what a sample leaves out is 0."""
    body = piece(1, NAMED + OTHER + sample(1, 7) + sample(2, BEFORE_1970)) + piece(1, NAMED + piece(2, b""))
    assert Decoder().readings(body) == [(LABELS, 7, 1.0), (LABELS, -5, 2.0), ((("__name__", "x"),), 0, 0.0)]


def test_a_request_cut_anywhere_is_refused_or_read_whole():
    """Never read beyond its end."""
    whole = request([({"__name__": "x", "a": "b" * 200}, [(1 << 40, 1.0), (1 << 41, 2.0)])])
    for cut in range(1, len(whole)):
        with pytest.raises(Fault):
            Decoder().readings(whole[:cut])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (bytes([12, 2 << 2]) + b"abc" + bytes([5 << 2 | 1, 3]), b"abcabcabcabc"),
        (bytes([9, 2 << 2]) + b"abc" + bytes([5 << 2 | 2, 3, 0]), b"abcabcabc"),
        (bytes([6, 2 << 2]) + b"abc" + bytes([2 << 2 | 3, 3, 0, 0, 0]), b"abcabc"),
        (bytes([8, 1 << 2]) + b"ab" + bytes([5 << 2 | 2, 1, 0]), b"abbbbbbb"),
        (b"\x00", b""),
    ],
)
def test_snappys_copies_are_made(raw, text):
    """Of each of the three kinds, overlapping what they write; whatever is cut off of them is refused."""
    assert decompressed(raw, 100) == text
    for cut in range(1, len(raw)):
        with pytest.raises(Malformed):
            decompressed(raw[:cut], 100)
