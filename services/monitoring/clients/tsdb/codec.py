"""Columns of times and values as bytes: delta of delta and XOR with the value before, byte by byte, then zlib."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from libs.shared.errors import Broken
from services.monitoring.domain.arrays import Floats, Ints, np

LEVEL = 4
HEAD = struct.Struct("<II")


def encoded(times: Ints, values: Floats) -> bytes:
    """Both columns, with their checksum."""
    if not len(times):
        return HEAD.pack(0, 0)
    deltas = np.diff(np.diff(times, prepend=np.int64(0)), prepend=np.int64(0))
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    crossed = bits.copy()
    crossed[1:] ^= bits[:-1]
    raw = _planes(deltas.view(np.uint64)) + _planes(crossed)
    return HEAD.pack(len(times), zlib.crc32(raw)) + zlib.compress(raw, LEVEL)


def decoded(raw: bytes) -> tuple[Ints, Floats]:
    """Raises `Broken` when the bytes are not what was written."""
    try:
        count, checksum = HEAD.unpack_from(raw)
        plain = zlib.decompress(raw[HEAD.size :]) if count else b""
    except (struct.error, zlib.error) as error:
        raise Broken("series-damaged", "a part of the kept series can't be read") from error
    if zlib.crc32(plain) != (checksum if count else 0) or len(plain) != count * 16:
        raise Broken("series-damaged", "a part of the kept series fails its checksum")
    times = np.cumsum(np.cumsum(_joined(plain[: count * 8], count).view(np.int64)))
    values = np.bitwise_xor.accumulate(_joined(plain[count * 8 :], count))
    return times, values.view(np.float64)


def _planes(words: Any) -> bytes:
    """The words' first bytes, then their second ones, …: equal bytes come to lie side by side."""
    return bytes(words.view(np.uint8).reshape(-1, 8).T.tobytes())


def _joined(raw: bytes, count: int) -> Any:
    return np.ascontiguousarray(np.frombuffer(raw, dtype=np.uint8).reshape(8, count).T).reshape(-1).view(np.uint64)
