"""The embedded store of series: windows in memory with their logs, blocks on disk, one index over both.

All of it blocks (disk, compression), so whoever lives in an event loop calls it in a thread. Any number of threads may.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.shared.errors import Broken, Busy, TooLarge
from services.monitoring.clients.tsdb.block import Block, sync_folder, write_block
from services.monitoring.clients.tsdb.index import Index
from services.monitoring.clients.tsdb.window import Sample, Window
from services.monitoring.domain.arrays import Floats, Ints, np
from services.monitoring.domain.labels import Labels, Matcher
from services.monitoring.domain.promql.frames import Series
from services.monitoring.domain.sample import Reading, Report

SPAN = 7_200_000
"""Milliseconds of a window and of a block."""
DOUBLE = struct.Struct("<d")
GRACE = 900_000
"""How long after the last write a window that isn't the present one is kept in memory."""
OPEN = 24
"""Windows in memory at one time."""
LAST = 4_102_444_800_000
"""The year 2100: what lies beyond is no time of a sample."""


Part = tuple[int, Ints, Floats]
"""Window, times, values."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`age` in milliseconds, `size` in bytes, `series` in memory at one time, `samples` that one selection may find."""

    age: int
    size: int
    series: int
    samples: int = 5_000_000


class Room:
    """For the samples of one selection."""

    def __init__(self, samples: int) -> None:
        self._left = samples

    def taken(self, found: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
        """The same; raises `TooLarge` when there is no room for it."""
        self._left -= len(found[0])
        if self._left < 0:
            raise TooLarge("query-samples", "query processing would load too many samples into memory")
        return found


class Tsdb:
    """Samples by labels. Opened by whoever calls it first."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._index = Index()
        self._windows: dict[int, Window] = {}
        self._blocks: dict[int, Block | None] = {}
        self._asked: set[int] = set()
        self._live: set[int] = set()
        self._writing = threading.Lock()
        self._state = threading.RLock()
        self._opened = self._closed = False

    def _open(self) -> None:
        """Find blocks and bring windows back; under the lock, once."""
        if self._closed:
            raise Busy("series-closed", "the store of series is closed")
        if self._opened:
            return
        try:
            self._find()
        except OSError as error:
            raise Broken("series-folder", f"the folder of series can't be used: {error.strerror}") from error
        self._live = {number for window in self._windows.values() for number in window.columns}
        self._opened = True

    def _find(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob("*.tmp"):
            left.unlink()
        self._blocks = {int(path.stem): None for path in self._folder.glob("*.block")}
        for path in sorted(self._folder.glob("*.log")):
            if int(path.stem) in self._blocks:
                path.unlink()
            else:
                self._windows[int(path.stem)] = Window(path, self._index)

    def append(self, readings: Iterable[Reading], now: int, *, sync: bool = True) -> Report:
        """Keep samples; what is refused is counted, and the rest is kept: on disk when this returns, with `sync`.

        Of a series within a window, time only grows. Raises `Busy` when the disk refuses; nothing is kept then.
        """
        with self._writing:
            with self._state:
                self._open()
                report, taken = self._sorted(readings, now)
            for key, samples in taken.items():
                window = self._window(key)
                window.write(samples, self._index, sync=sync)
                with self._state:
                    window.add(samples, now)
        return report

    def _window(self, key: int) -> Window:
        with self._state:
            if key not in self._windows:
                self._windows[key] = Window(self._folder / f"{key}.log", self._index)
                sync_folder(self._folder)
            return self._windows[key]

    def _sorted(self, readings: Iterable[Reading], now: int) -> tuple[Report, dict[int, list[Sample]]]:
        """Each sample to its window, or refused."""
        taken: dict[int, list[Sample]] = {}
        newest: dict[tuple[int, int], int] = {}
        accepted = old = late = many = 0
        oldest = now - self._bounds.age
        for labels, at, value in readings:
            key = at // SPAN
            if at < oldest or at >= LAST or key in self._blocks:
                old += 1
                continue
            number = self._number(labels)
            if number is None:
                many += 1
                continue
            last = newest.get((key, number))
            if last is None:
                window = self._windows.get(key)
                column = window.columns.get(number) if window else None
                last = column.last if column else -1
            if at <= last:
                again = at == last and self._same(key, number, value)
                accepted, late = accepted + again, late + (not again)
                continue
            newest[key, number] = at
            taken.setdefault(key, []).append((number, at, value))
            accepted += 1
        return Report(accepted, old, late, many), taken

    def _same(self, key: int, number: int, value: float) -> bool:
        """Whether the last sample has this very value: a request that comes again, unanswered the first time."""
        window = self._windows.get(key)
        column = window.columns.get(number) if window else None
        return column is not None and column.last >= 0 and DOUBLE.pack(column.newest()) == DOUBLE.pack(value)

    def _number(self, labels: Labels) -> int | None:
        number = self._index.look(labels)
        if number is not None and number in self._live:
            return number
        if len(self._live) >= self._bounds.series:
            return None
        number = self._index.add(labels)
        self._live.add(number)
        return number

    def sync(self) -> None:
        """Bring to the disk what was appended without it; raises `Busy`."""
        with self._writing:
            for window in list(self._windows.values()):
                window.sync()

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Series]:
        """Series that all matchers hold for, with their samples of these moments; raises `Broken`, `Invalid`, and
        `TooLarge` before more are read than one selection may find.
        """
        room = Room(self._bounds.samples)
        with self._state:
            self._open()
            blocks = self._reached(start, end)
            numbers = self._index.select(matchers)
            parts: dict[int, list[Part]] = {number: [] for number in numbers}
            for key in sorted(key for key in self._windows if key * SPAN <= end and (key + 1) * SPAN > start):
                columns = self._windows[key].columns
                for number in numbers:
                    column = columns.get(number)
                    if column is not None and column.last >= start:
                        parts[number].append((key, *room.taken(column.read(start, end))))
            labels = {number: self._index.labels(number) for number in numbers}
        for key, block in blocks:
            for number, times, values in block.read(numbers):
                low, high = np.searchsorted(times, start, side="left"), np.searchsorted(times, end, side="right")
                parts[number].append((key, *room.taken((times[low:high], values[low:high]))))
        return [_joined(labels[number], found) for number, found in parts.items() if any(len(p[1]) for p in found)]

    def _reached(self, start: int, end: int) -> list[tuple[int, Block]]:
        """Blocks that hold something of this time; their series are in the index then."""
        found = []
        for key in [key for key in self._blocks if key * SPAN <= end and (key + 1) * SPAN > start]:
            block = self._blocks[key]
            if block is None:
                block = self._blocks[key] = Block(self._folder / f"{key}.block", self._index)
            self._asked.add(key)
            found.append((key, block))
        return found

    def series(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Labels]:
        """Labels of the series that have samples in windows or blocks of this time."""
        with self._state:
            self._open()
            blocks = self._reached(start, end)
            numbers = set(self._index.select(matchers))
            there: set[int] = set()
            for key, window in self._windows.items():
                if key * SPAN <= end and (key + 1) * SPAN > start:
                    there |= numbers & window.columns.keys()
            for _, block in blocks:
                there |= numbers & set(block.numbers.tolist())
            return sorted(self._index.labels(number) for number in there)

    def tend(self, now: int) -> None:
        """Seal windows that nobody writes to any more, drop what is older or more than is kept, and let go of the
        indices of blocks that nobody has asked for since the last time.
        """
        with self._writing:
            with self._state:
                self._open()
            for key in self._ripe(now):
                self._seal(key)
            with self._state:
                self._expire(now)
                self._blocks = {key: block if key in self._asked else None for key, block in self._blocks.items()}
                self._asked.clear()
                self._live = {number for window in self._windows.values() for number in window.columns}
                loaded = [block.numbers.tolist() for block in self._blocks.values() if block is not None]
                self._index.keep(self._live.union(*loaded))

    def _ripe(self, now: int) -> list[int]:
        present = now // SPAN
        quiet = [key for key, window in self._windows.items() if now - window.touched > GRACE]
        ripe = {key for key in quiet if key != present}
        rest = sorted((self._windows[key].touched, key) for key in self._windows if key not in ripe and key != present)
        excess = len(self._windows) - len(ripe) - OPEN
        return sorted(ripe | {key for _, key in rest[: max(excess, 0)]})

    def _seal(self, key: int) -> None:
        """The block first, then the log goes: a crash between them leaves a log that the block makes needless."""
        window = self._windows[key]
        write_block(self._folder / f"{key}.block", window.series(self._index))
        with self._state:
            self._blocks[key] = None
            del self._windows[key]
            window.remove()

    def _expire(self, now: int) -> None:
        sizes = {key: (self._folder / f"{key}.block").stat().st_size for key in self._blocks}
        total = sum(sizes.values()) + sum(window.size for window in self._windows.values())
        for key in sorted(self._blocks):
            if (key + 1) * SPAN >= now - self._bounds.age and total <= self._bounds.size:
                break
            (self._folder / f"{key}.block").unlink(missing_ok=True)
            del self._blocks[key]
            total -= sizes[key]

    def figures(self) -> dict[str, int]:
        """Series in memory, windows, blocks, bytes on disk; nothing is opened for it."""
        with self._state:
            blocks = sum(block.size for block in self._blocks.values() if block is not None)
            logs = sum(window.size for window in self._windows.values())
            return {
                "series": len(self._live),
                "windows": len(self._windows),
                "blocks": len(self._blocks),
                "bytes": blocks + logs,
            }

    def close(self) -> None:
        """Wait for a write under way, then close the logs."""
        with self._writing, self._state:
            self._closed = True
            for window in self._windows.values():
                window.close()


def _joined(labels: Labels, parts: list[Part]) -> Series:
    parts.sort(key=lambda part: part[0])
    if len(parts) == 1:
        return Series(labels, parts[0][1], parts[0][2])
    return Series(labels, np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts]))
