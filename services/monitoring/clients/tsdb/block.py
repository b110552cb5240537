"""Two hours of samples on disk, for good: compressed columns in groups of series, and an index at the end."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from libs.shared.errors import Broken
from services.monitoring.clients.tsdb.codec import decoded, encoded
from services.monitoring.clients.tsdb.column import Column
from services.monitoring.clients.tsdb.index import Index
from services.monitoring.domain.arrays import Floats, Ints, np
from services.monitoring.domain.labels import Labels

MAGIC = b"orrery.series.1\n"
TAIL = struct.Struct("<QQI")
GROUP = 64
"""Series that are compressed together: neighbours by name, so one query wants most of a group or nothing."""
EVER = 1 << 62


def write_block(path: Path, series: Sequence[tuple[Labels, Column]]) -> None:
    """Written aside, brought to the disk, then named: a block is whole or not there."""
    aside = path.with_suffix(".tmp")
    with aside.open("wb") as file:
        file.write(MAGIC)
        counts, groups = [], []
        for begin in range(0, len(series), GROUP):
            parts = [column.read(0, EVER) for _, column in series[begin : begin + GROUP]]
            raw = encoded(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
            groups.append([file.tell(), len(raw)])
            counts += [len(p[0]) for p in parts]
            file.write(raw)
        labels = [[part for pair in one for part in pair] for one, _ in series]
        index = zlib.compress(orjson.dumps({"labels": labels, "counts": counts, "groups": groups}))
        place = file.tell()
        file.write(index + TAIL.pack(place, len(index), zlib.crc32(index)) + MAGIC)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Block:
    """A block's index in memory: numbers of its series, and where their samples lie."""

    def __init__(self, path: Path, index: Index) -> None:
        self.path = path
        self.size = path.stat().st_size
        found = self._index()
        series = [tuple(zip(flat[::2], flat[1::2], strict=True)) for flat in found["labels"]]
        self.numbers = np.array([index.add(labels) for labels in series], dtype=np.int64)
        self._counts = np.array(found["counts"], dtype=np.int64)
        self._groups: list[tuple[int, int]] = [(begin, length) for begin, length in found["groups"]]
        self._places = {number: place for place, number in enumerate(self.numbers.tolist())}

    def _index(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                file.seek(-(TAIL.size + len(MAGIC)), os.SEEK_END)
                tail = file.read()
                place, length, checksum = TAIL.unpack_from(tail)
                file.seek(place)
                raw = file.read(length)
            if tail[TAIL.size :] != MAGIC or zlib.crc32(raw) != checksum:
                raise Broken("series-block", f"the block {self.path.name} fails its checksum")
            found: dict[str, Any] = orjson.loads(zlib.decompress(raw))
        except (OSError, ValueError, struct.error, zlib.error) as error:
            raise Broken("series-block", f"the block {self.path.name} can't be read") from error
        return found

    def read(self, numbers: Sequence[int]) -> Iterator[tuple[int, Ints, Floats]]:
        """Samples of those of these series that it has; raises `Broken`."""
        wanted: dict[int, list[tuple[int, int]]] = {}
        for number in numbers:
            place = self._places.get(number)
            if place is not None:
                wanted.setdefault(place // GROUP, []).append((number, place % GROUP))
        if not wanted:
            return
        try:
            file = self.path.open("rb")
        except FileNotFoundError:  # too old to be kept, since it was asked for
            return
        except OSError as error:
            raise Broken("series-block", f"the block {self.path.name} can't be read") from error
        with file:
            for group, members in wanted.items():
                offset, length = self._groups[group]
                file.seek(offset)
                times, values = decoded(file.read(length))
                ends = np.cumsum(self._counts[group * GROUP : (group + 1) * GROUP])
                for number, place in members:
                    part = slice(ends[place - 1] if place else 0, ends[place])
                    yield number, times[part], values[part]
