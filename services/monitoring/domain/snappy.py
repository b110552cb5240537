"""Snappy's block format, read: what remote write is compressed with."""

from __future__ import annotations

from libs.shared.errors import Malformed, TooLarge

LITERAL_LONG = 60
"""Lengths of literals from here on stand in bytes of their own."""


def decompressed(raw: bytes, most: int) -> bytes:
    """Raises `Malformed` for what is none, `TooLarge` for more than `most` bytes, before they are made."""
    length, at = varint(raw, 0)
    if length > most:
        raise TooLarge("snappy", f"the body has {length} bytes once decompressed; {most} are accepted")
    out = bytearray()
    while at < len(raw):
        tag = raw[at]
        at = _literal(raw, at, out) if not tag & 3 else _copy(raw, at, out)
        if len(out) > length:
            break
    if len(out) != length:
        raise _bad()
    return bytes(out)


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends; raises `Malformed`."""
    value = shift = 0
    while at < len(raw) and shift < 64:  # noqa: PLR2004  # bits of the longest one
        value |= (raw[at] & 0x7F) << shift
        at += 1
        if raw[at - 1] < 0x80:  # noqa: PLR2004  # the last byte has no top bit
            return value, at
        shift += 7
    raise _bad()


def _literal(raw: bytes, at: int, out: bytearray) -> int:
    length = raw[at] >> 2
    at += 1
    if length >= LITERAL_LONG:
        width = length - LITERAL_LONG + 1
        length = int.from_bytes(raw[at : at + width], "little")
        at += width
    length += 1
    if at + length > len(raw):
        raise _bad()
    out += raw[at : at + length]
    return at + length


def _copy(raw: bytes, at: int, out: bytearray) -> int:
    kind = raw[at] & 3
    width = (0, 1, 2, 4)[kind]
    if at + 1 + width > len(raw):
        raise _bad()
    offset = int.from_bytes(raw[at + 1 : at + 1 + width], "little")
    length = (raw[at] >> 2) + 1
    if kind == 1:
        length = (raw[at] >> 2 & 7) + 4
        offset |= raw[at] >> 5 << 8
    if not 0 < offset <= len(out):
        raise _bad()
    begin = len(out) - offset
    if offset >= length:
        out += out[begin : begin + length]
    else:  # it reads what it writes: a repeated pattern
        out += (bytes(out[begin:]) * (length // offset + 1))[:length]
    return at + 1 + width


def _bad() -> Malformed:
    return Malformed("snappy", "the body is not compressed with snappy's block format")
