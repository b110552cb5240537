"""What runs have written: a file for the whole run, and one for each step, to which is only ever added."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken

WHOLE: Final = "run.log"
CUT: Final = b"\n[the log is full: the rest of it is not kept]\n"
CHUNK: Final = 256 << 10


class RunLog:
    """The log of one run. Whoever goes on with a run goes on where its log ends."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._size = 0

    def open(self) -> None:
        """Make the folder, and find out how much there is. Raises `Broken`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            whole = self._folder / WHOLE
            self._size = whole.stat().st_size if whole.exists() else 0
            if self._size and not _ends(whole):
                self._add(WHOLE, b"\n")
        except OSError as error:
            raise Broken("run-log", f"the log of a run can't be written: {error.strerror}") from error

    @property
    def begun(self) -> bool:
        """Whether anything stands in it."""
        return self._size > 0

    @property
    def full(self) -> bool:
        """Whether nothing more is kept."""
        return self._size >= self._most

    def write(self, step: str, text: bytes) -> None:
        """Add whole lines of a step to both files; past the bound nothing is kept. Raises `Broken`."""
        if self.full or not text:
            return
        room = self._most - self._size
        if len(text) > room:
            text = text[:room] + CUT
        try:
            self._add(WHOLE, text)
            if step:
                self._add(f"{step}.log", text)
        except OSError as error:
            raise Broken("run-log", f"the log of a run can't be written: {error.strerror}") from error

    def written(self, step: str) -> bool:
        """Whether the step has written anything."""
        return (self._folder / f"{step}.log").exists()

    def _add(self, name: str, text: bytes) -> None:
        with (self._folder / name).open("ab") as file:
            file.write(text)
        if name == WHOLE:
            self._size += len(text)


def _ends(path: Path) -> bool:
    """Whether the last line is whole."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


class Logs:
    """The logs of all runs, by the uids of the runs."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def of(self, run: str) -> RunLog:
        """The log of a run, to write."""
        return RunLog(self._folder / run, self._most)

    def size(self, run: str, step: str = "") -> int:
        """Bytes of a run's log, or of a step's."""
        try:
            return self._path(run, step).stat().st_size
        except OSError:
            return 0

    async def read(self, run: str, begin: int, end: int, step: str = "") -> AsyncIterator[bytes]:
        """The bytes from here to there, in pieces."""
        path = self._path(run, step)
        while begin < end:
            part = await asyncio.to_thread(_part, path, begin, min(CHUNK, end - begin))
            if not part:
                return
            begin += len(part)
            yield part

    def forget(self, runs: Iterable[str]) -> None:
        """Remove the logs of these runs."""
        for run in runs:
            shutil.rmtree(self._folder / run, ignore_errors=True)

    def kept(self) -> list[str]:
        """Of which runs there are logs."""
        return [path.name for path in self._folder.iterdir()] if self._folder.exists() else []

    def _path(self, run: str, step: str) -> Path:
        return self._folder / run / (f"{step}.log" if step else WHOLE)


def _part(path: Path, begin: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(size)
    except OSError:
        return b""
