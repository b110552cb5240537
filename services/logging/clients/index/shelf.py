"""The days that there are, on disk and open: blocking, for the threads that read and the one that writes."""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from libs.shared.errors import Busy
from services.logging.clients.index.day import Day
from services.logging.domain.entry import KINDS, Entry, Kept, Kind, day_of
from services.logging.domain.wanted import Span

MOST_OPEN = 48
"""Days that are open at one time."""
MOST_WRITING = 6
"""Writers that are open at one time; a writer holds memory."""


class Deadline:
    """Whether somebody still waits for what a thread is doing."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def end(self) -> None:
        """Nobody waits any more."""
        self._over.set()

    def check(self) -> None:
        """Raises `Busy` when nobody waits."""
        if self._over.is_set():
            raise Busy("index-slow", "the query takes too long: narrow its time or its namespaces")


class Shelf:
    """Indices in `<folder>/<kind>/<day>`. Reading threads open days too, so what they share is under a lock."""

    def __init__(self, folder: Path, most_days: int) -> None:
        self._folder = folder
        self._most_days = most_days
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[str, str], Day] = OrderedDict()
        self._written: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._order = count()
        self._days = {name: set(_folders(folder / name)) for name in KINDS}

    def days(self, kind: Kind, span: Span, *, oldest: bool = False) -> list[str]:
        """Days that may hold something of this span, newest first unless `oldest`."""
        low = "" if span.low is None else day_of(max(span.low, 0))
        high = "9999-99" if span.high is None else day_of(max(span.high, 0))
        with self._lock:
            return sorted((day for day in self._days[kind.name] if low <= day <= high), reverse=not oldest)

    def open(self, kind: Kind, day: str) -> Day:
        """The day, made when there is none; the one that was used longest ago is let go."""
        key = (kind.name, day)
        with self._lock:
            found = self._open.get(key)
            if found is None:
                found = self._open[key] = Day(kind, self._folder / kind.name / day)
                if day not in self._days[kind.name]:
                    self._days[kind.name].add(day)
                    _settle(self._folder / kind.name)
            self._open.move_to_end(key)
            spare = [other for other, one in self._open.items() if other != key and not one.writing]
            for other in spare[: max(len(self._open) - MOST_OPEN, 0)]:
                del self._open[other]
            return found

    def write(self, kind: Kind, day: str, entries: Sequence[Entry]) -> list[Kept]:
        """Keep entries of one day, and return when they are on disk."""
        if day not in self._days[kind.name] and len(self._days[kind.name]) >= self._most_days:
            return [Kept("refused")] * len(entries)
        told = self.open(kind, day).write(entries, self._order)
        self._written[kind.name, day] = None
        self._written.move_to_end((kind.name, day))
        while len(self._written) > MOST_WRITING:
            self._rest(next(iter(self._written)))
        return told

    def rest(self) -> None:
        """Close every writer."""
        while self._written:
            self._rest(next(iter(self._written)))

    def _rest(self, key: tuple[str, str]) -> None:
        del self._written[key]
        with self._lock:
            found = self._open.get(key)
        if found is not None:
            found.rest()

    def sizes(self) -> Iterator[tuple[str, str, int, float]]:
        """Kind, day, bytes and time of the last write of each day."""
        for name in KINDS:
            for day in sorted(self._days[name]):
                files = [_stat(path) for path in (self._folder / name / day).glob("*")]
                yield name, day, sum(size for size, _ in files), max((at for _, at in files), default=0.0)

    def drop(self, name: str, day: str) -> None:
        """Forget a day. Who is reading it reads on: the files go when the last has closed them."""
        with self._lock:
            found = self._open.pop((name, day), None)
            self._days[name].discard(day)
            self._written.pop((name, day), None)
        if found is not None:
            found.rest()
        shutil.rmtree(self._folder / name / day, ignore_errors=True)


def _folders(folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [path.name for path in folder.iterdir() if path.is_dir()]


def _stat(path: Path) -> tuple[int, float]:
    try:
        found = path.stat()
    except FileNotFoundError:  # merged away meanwhile
        return 0, 0.0
    return found.st_size, found.st_mtime


def _settle(folder: Path) -> None:
    """A new folder's name is on disk once its parent is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
