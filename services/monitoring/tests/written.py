"""Bodies of remote write, as a sender makes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping


def varint(value: int) -> bytes:
    """Seven bits a byte."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def piece(number: int, raw: bytes) -> bytes:
    """A field that has a length."""
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def request(series: Iterable[tuple[Mapping[str, str], Iterable[tuple[int, float]]]]) -> bytes:
    """A WriteRequest of these series."""
    out = b""
    for labels, samples in series:
        pairs = (piece(1, name.encode()) + piece(2, value.encode()) for name, value in labels.items())
        rows = (b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at) for at, value in samples)
        out += piece(1, b"".join(piece(1, pair) for pair in pairs) + b"".join(piece(2, row) for row in rows))
    return out


def snappy(raw: bytes) -> bytes:
    """Snappy's block format, of literals alone."""
    out = varint(len(raw))
    for begin in range(0, len(raw), 1 << 16):
        part = raw[begin : begin + (1 << 16)]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return out
