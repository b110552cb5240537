"""Files that runs keep: copied out of the workspace without ever following a link, bounded in number and size."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Invalid
from services.devops.domain.jenkinsfile.patterns import matches

MOST_FILES: Final = 1000
MOST_LOOKED_AT: Final = 100_000
LONGEST_PATTERN: Final = 1000
CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: its path in the workspace, and its bytes."""

    path: str
    size: int


class Artifacts:
    """The artifacts of all runs, under one folder."""

    def __init__(self, folder: Path, most: int) -> None:
        """`most`: bytes of one run."""
        self._folder = folder
        self._most = most

    def keep(self, run: str, root: Path, inside: str, patterns: str, excludes: str) -> list[Artifact]:
        """Copy what the patterns (Ant's, by commas) name below `root/inside`; takes time, so call it in a thread.

        Raises `Invalid` for too many or too large ones, `Broken`.
        """
        wanted, spared = _listed(patterns), _listed(excludes)
        kept: list[Artifact] = []
        size = sum(one.size for one in self.of(run))
        for path, descriptor in _files(root / inside):
            try:
                if not _any(wanted, path) or _any(spared, path):
                    continue
                size += os.fstat(descriptor).st_size
                if size > self._most or len(kept) >= MOST_FILES:
                    text = f"a run keeps at most {MOST_FILES} files of {self._most >> 20} MiB in all"
                    raise Invalid("artifacts", text)
                kept.append(Artifact(path, self._copied(descriptor, run, path)))
            finally:
                os.close(descriptor)
        return kept

    def of(self, run: str) -> list[Artifact]:
        """What a run has kept, by path."""
        home = self._folder / run
        found = [path for path in home.rglob("*") if path.is_file()] if home.exists() else []
        return sorted((Artifact(str(path.relative_to(home)), path.stat().st_size) for path in found), key=_path)

    def path(self, run: str, name: str) -> Path | None:
        """Where a kept file is, or None for what is none."""
        home = self._folder / run
        parts = Path(name).parts
        if not parts or ".." in parts or Path(name).is_absolute() or "\x00" in name:
            return None
        found = home.joinpath(*parts)
        return found if found.is_file() else None

    def forget(self, runs: Iterable[str]) -> None:
        """Remove what these runs have kept."""
        for run in runs:
            shutil.rmtree(self._folder / run, ignore_errors=True)

    def kept(self) -> list[str]:
        """Which runs have kept any."""
        return [path.name for path in self._folder.iterdir()] if self._folder.exists() else []

    def _copied(self, descriptor: int, run: str, path: str) -> int:
        target = self._folder / run / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = target.with_name(f".{target.name}.part")
            size = 0
            with draft.open("wb") as file:
                while part := os.read(descriptor, CHUNK):
                    size += len(part)
                    file.write(part)
            draft.replace(target)
        except OSError as error:
            raise Broken("artifact", f"an artifact can't be kept: {error.strerror}") from error
        return size


def _path(one: Artifact) -> str:
    return one.path


def _files(root: Path) -> Iterator[tuple[str, int]]:
    """Every plain file below, with a descriptor that the reader closes; links are passed over at every step."""
    looked = 0
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        for folder, _, names, home in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            for name in sorted(names):
                looked += 1
                if looked > MOST_LOOKED_AT:
                    raise Invalid("artifacts", f"the workspace has more than {MOST_LOOKED_AT} files to look through")
                descriptor = _opened(name, home)
                if descriptor is not None:
                    yield os.path.normpath(os.path.join(folder, name)), descriptor  # noqa: PTH118  # fwalk's own paths
    finally:
        os.close(top)


def _opened(name: str, home: int) -> int | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=home)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _listed(patterns: str) -> list[str]:
    """Patterns between commas."""
    if len(patterns) > LONGEST_PATTERN:
        raise Invalid("artifacts", f"patterns have at most {LONGEST_PATTERN} characters")
    return [text for part in patterns.split(",") if (text := part.strip().removeprefix("./"))]


def _any(patterns: Iterable[str], path: str) -> bool:
    return any(matches(path, pattern) for pattern in patterns)
