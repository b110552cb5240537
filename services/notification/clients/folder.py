"""`outbox:` letters as files, one each, for whoever has no mail server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

from services.notification.domain.letter import Unreachable


class Folder:
    """Postman and courier at once. A letter that is delivered again replaces its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Folder]:
        """Itself: there is nobody to connect to."""
        yield self

    async def deliver(self, message: EmailMessage, to: str) -> None:  # noqa: ARG002  # it stands in the message
        """Write the letter, whole or not at all; raises `Unreachable` when the folder can't be written."""
        name = message["Message-ID"].strip("<>").partition("@")[0]
        try:
            await asyncio.to_thread(_write, self._path, f"{name}.eml", message.as_bytes())
        except OSError as error:
            raise Unreachable(
                "mail-folder", f"the mail folder {self._path} can't be written: {error.strerror}"
            ) from error

    async def forget(self, names: Sequence[str]) -> None:
        """Remove the files of these letters; raises `Unreachable` when the folder can't be changed."""
        try:
            await asyncio.to_thread(_remove, self._path, names)
        except OSError as error:
            text = f"the mail folder {self._path} can't be changed: {error.strerror}"
            raise Unreachable("mail-folder", text) from error


def _remove(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / f"{name}.eml").unlink(missing_ok=True)


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{name}.part"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123  # with a mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
