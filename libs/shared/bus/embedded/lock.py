"""One process a log: an advisory lock in a file beside it, let go by the kernel however the process ends.

Beside it, since closing any descriptor of the database file itself would drop SQLite's own locks.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from libs.shared.errors import Broken


def private(path: Path) -> int:
    """A descriptor of a file that is this user's alone, made with its folder when absent; raises `Broken`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Broken("bus-unusable", f"bus log {path} can't be opened: {error.strerror}") from error


class Lock:
    """Holds `<path>.lock` from construction to `release`; raises `Broken` when another holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor = self._taken(path)

    def _taken(self, path: Path) -> int:
        while True:
            descriptor = private(self._path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._stands(descriptor):
                    return descriptor
            except OSError as error:
                os.close(descriptor)
                raise Broken(
                    "bus-in-use",
                    f"bus log {path} is in use by another process; an embedded bus serves one process. "
                    "Give several processes one bus by its address: ORRERY_BUS=nats://host:4222",
                ) from error
            os.close(descriptor)

    def _stands(self, descriptor: int) -> bool:
        """Whether the locked file is still the one at the path: its holder may just have removed it."""
        try:
            return os.fstat(descriptor).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove the file, then let go."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1
