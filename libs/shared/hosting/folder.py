"""The data folder: private to the user, one process a service, sockets within the system's limit, no leftovers."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.shared.errors import Broken, Conflict, Invalid

PRIVATE = 0o700
LONGEST_SOCKET_PATH = 100
"""Bytes; Linux takes 107, macOS 103."""


class Folder:
    """Where one suite keeps what is its own."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @classmethod
    def opened(cls, path: Path) -> Folder:
        """The folder, made if need be, mode 0700; raises `Invalid` naming ORRERY_DATA."""
        folder = cls(path)
        try:
            folder.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            folder.path.chmod(PRIVATE)
            if not os.access(folder.path, os.W_OK | os.X_OK):
                raise PermissionError(13, "no leave to write there")
        except OSError as error:
            text = f"ORRERY_DATA: {folder.path} can't be used as the data folder: {error.strerror or error}"
            raise Invalid("data-folder", text) from error
        return folder

    def within(self, name: str) -> Path:
        """A private folder inside, made when first asked for."""
        path = self.path / name
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        return path

    def socket(self, service: str) -> Path:
        """Where a service's socket is: `run/<service>.sock`, or in a short private folder where that is too long for
        the system. The same for every process with this data folder.
        """
        path = self.path / "run" / f"{service}.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            self.within("run")
            return path
        mark = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return _private(Path(tempfile.gettempdir()) / f"orrery-{os.getuid()}-{mark}") / f"{service}.sock"

    def tidy(self) -> None:
        """Remove what only a run needs, where nobody uses it any more."""
        for folder in (self.path / "run", self.socket("x").parent):
            with contextlib.suppress(OSError):  # not empty: another process of this suite is at work
                folder.rmdir()

    @contextmanager
    def claimed(self, service: str) -> Iterator[None]:
        """Hold the service for this process: raises `Conflict` when another one runs it on this folder."""
        path = self.within("run") / f"{service}.lock"
        descriptor = _locked(path, service, self.path)
        try:
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _locked(path: Path, service: str, data: Path) -> int:
    """An open descriptor that holds the lock on the file that stands at the path."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError as error:
            pid = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            text = f"{service} runs already on {data} (process {pid}): stop it, or give another folder with ORRERY_DATA"
            raise Conflict("already-running", text) from error
        except FileNotFoundError:  # its last holder has removed it between our opening and our locking: once more
            pass
        os.close(descriptor)


def free_socket(path: Path) -> None:
    """Remove the socket that a killed process left; raises `Broken` when something else stands there or it is alive."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Broken("socket-taken", f"{path} should be free for a socket, and is something else")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
    raise Broken("socket-taken", f"another process listens on {path}")


def _private(path: Path) -> Path:
    """A folder in a place that others may write to, that is certainly ours; raises `Broken`."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Broken("socket-folder", f"{path} should be a folder that only this user may enter")
    return path
