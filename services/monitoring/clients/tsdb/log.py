"""The log of one window of time: what was accepted, before it is acknowledged. A torn tail is found by its checksum."""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from libs.shared.errors import Broken, Busy
from services.monitoring.domain.arrays import Floats, Ints, np
from services.monitoring.domain.labels import Labels

FRAME = struct.Struct("<IIB")
SERIES, SAMPLES = 1, 2
LARGEST = 256 << 20
ROW = 20
"""Bytes of a sample before compression: number of the series, time, value."""


class Log:
    """Appends records; every record is whole or gone after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size
        self._torn = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    def append(self, records: Sequence[bytes], *, sync: bool) -> None:
        """Write, and with `sync` bring to the disk. Raises `Busy` when the disk refuses; nothing is kept then."""
        if self._torn:
            raise Broken("series-log", f"the log {self.path.name} could not be mended after a fault of the disk")
        try:
            self._whole(b"".join(records))
            if sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._mend()
            raise Busy("series-log", f"samples can't be kept: {error.strerror}", retry_after=15) from error
        self._size += sum(map(len, records))

    def _whole(self, raw: bytes) -> None:
        """A disk that is nearly full takes a part, and refuses the rest the next time."""
        rest = memoryview(raw)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def sync(self) -> None:
        """Bring to the disk what was appended without it; raises `Busy`."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise Busy("series-log", f"samples can't be kept: {error.strerror}", retry_after=15) from error

    def _mend(self) -> None:
        """Cut off what was half written: what follows it could not be read."""
        try:
            os.ftruncate(self._file.fileno(), self._size)
        except OSError:
            self._torn = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def series_record(several: Sequence[Labels]) -> bytes:
    """New series of this log; they are numbered in order of their first record."""
    return _framed(SERIES, orjson.dumps([[part for pair in labels for part in pair] for labels in several]))


def samples_record(numbers: array[int], times: array[int], values: array[float]) -> bytes:
    """Samples, as columns."""
    return _framed(SAMPLES, numbers.tobytes() + times.tobytes() + values.tobytes())


def _framed(kind: int, raw: bytes) -> bytes:
    body = zlib.compress(raw, 1)
    return FRAME.pack(len(body), zlib.crc32(body), kind) + body


Columns = tuple[Ints, Ints, Floats]


def replayed(path: Path) -> tuple[list[Labels], list[Columns]]:
    """All series and samples; cuts the file off where its tail is torn."""
    raw = path.read_bytes()
    series: list[Labels] = []
    samples: list[Columns] = []
    good = 0
    for kind, body, end in _records(raw):
        if kind == SERIES:
            series += [tuple(zip(flat[::2], flat[1::2], strict=True)) for flat in orjson.loads(body)]
        else:
            samples.append(_columns(body))
        good = end
    if good < len(raw):
        os.truncate(path, good)
    return series, samples


def _records(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 0
    while at + FRAME.size <= len(raw):
        length, checksum, kind = FRAME.unpack_from(raw, at)
        body = raw[at + FRAME.size : at + FRAME.size + length]
        if length > LARGEST or len(body) < length or zlib.crc32(body) != checksum:
            return
        at += FRAME.size + length
        yield kind, zlib.decompress(body), at


def _columns(body: bytes) -> Columns:
    count = len(body) // ROW
    numbers = np.frombuffer(body, dtype=np.uint32, count=count).astype(np.int64)
    times = np.frombuffer(body, dtype=np.int64, count=count, offset=4 * count)
    return numbers, times, np.frombuffer(body, dtype=np.float64, count=count, offset=12 * count)
