"""Two hours of samples in memory, with the log that brings them back after a crash."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

from services.monitoring.clients.tsdb.column import Column
from services.monitoring.clients.tsdb.index import Index
from services.monitoring.clients.tsdb.log import Log, replayed, samples_record, series_record
from services.monitoring.domain.arrays import np
from services.monitoring.domain.labels import Labels

Sample = tuple[int, int, float]
"""Number of the series, time, value."""


class Window:
    """`touched` is when something was written last, in milliseconds of the writer's clock."""

    def __init__(self, path: Path, index: Index) -> None:
        self.columns: dict[int, Column] = {}
        self.touched = 0
        self._places: dict[int, int] = {}
        if path.exists():
            self._replay(path, index)
        self._log = Log(path)

    def _replay(self, path: Path, index: Index) -> None:
        series, records = replayed(path)
        numbers = [index.add(labels) for labels in series]
        self._places = {number: place for place, number in enumerate(numbers)}
        if not records:
            return
        places, times, values = (np.concatenate([record[part] for record in records]) for part in range(3))
        order = np.lexsort((times, places))
        places, times, values = places[order], times[order], values[order]
        edges = np.flatnonzero(np.diff(places)) + 1
        for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), len(places)], strict=True):
            column = self.columns.setdefault(numbers[int(places[begin])], Column())
            column.extend(times[begin:end], values[begin:end])

    @property
    def size(self) -> int:
        """Bytes of its log."""
        return self._log.size

    def write(self, samples: Sequence[Sample], labels: Index, *, sync: bool) -> None:
        """To the log; raises `Busy` or `Broken`, and then nothing is kept."""
        new = [number for number in dict.fromkeys(sample[0] for sample in samples) if number not in self._places]
        places = dict(self._places) if new else self._places
        for number in new:
            places[number] = len(places)
        records = [series_record([labels.labels(number) for number in new])] if new else []
        records.append(
            samples_record(
                array("I", [places[sample[0]] for sample in samples]),
                array("q", [sample[1] for sample in samples]),
                array("d", [sample[2] for sample in samples]),
            )
        )
        self._log.append(records, sync=sync)
        self._places = places

    def add(self, samples: Sequence[Sample], at: int) -> None:
        """To memory, what was written."""
        self.touched = at
        columns = self.columns
        for number, time, value in samples:
            column = columns.get(number)
            if column is None:
                column = columns[number] = Column()
            column.add(time, value)

    def sync(self) -> None:
        """Bring the log to the disk; raises `Busy`."""
        self._log.sync()

    def series(self, index: Index) -> list[tuple[Labels, Column]]:
        """Sorted by labels, as a block wants them."""
        return sorted(
            ((index.labels(number), column) for number, column in self.columns.items()), key=lambda one: one[0]
        )

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def remove(self) -> None:
        """Remove the log: a block has what was in it."""
        self._log.close()
        self._log.path.unlink(missing_ok=True)
