"""`file:` packages and pictures as files, named by their SHA-256: the same content is kept once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Busy, Missing
from libs.shared.private import write_private

DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """In one folder, private to us."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, content: bytes) -> str:
        """Keep it, whole or not at all, on disk when this returns; its digest. Raises `Busy` when there is no room."""
        return await asyncio.to_thread(self._put, content)

    async def get(self, digest: str) -> bytes:
        """The content; raises `Missing`, and `Broken` for what isn't as it was kept."""
        return await asyncio.to_thread(self._get, digest)

    async def drop(self, digest: str) -> None:
        """Remove it; nothing, when it isn't there."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path(digest).unlink, missing_ok=True)

    async def kept_before(self, moment: float) -> list[str]:
        """Digests of what was kept before this moment (seconds since 1970), whether it is still needed or not."""
        return await asyncio.to_thread(self._before, moment)

    def _before(self, moment: float) -> list[str]:
        found = []
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(OSError):
                if DIGEST.fullmatch(path.name) and path.stat().st_mtime < moment:
                    found.append(path.name)
        return found

    def _put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, content)
        except OSError as error:
            raise Busy("blobs", f"packages can't be kept now: {error.strerror}", retry_after=5) from error
        return digest

    def _get(self, digest: str) -> bytes:
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise Missing("blob-missing", "the package is no longer kept", name=digest) from None
        except OSError as error:
            raise Broken("blobs", f"a package can't be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise Broken("blob-torn", f"the package {digest} isn't what was kept")
        return content

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise Missing("blob-missing", "the package is no longer kept", name=digest[:64])
        return self._folder / digest[:2] / digest
