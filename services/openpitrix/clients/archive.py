"""Unpacking archives of charts in memory: bounded, and nothing that isn't a plain file within the chart. Blocks."""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import Final

from libs.shared.errors import Malformed

MAGIC: Final = b"\x1f\x8b"
GZIP: Final = 31
CHUNK: Final = 256 << 10
MOST_FILES: Final = 5000
LONGEST_PATH: Final = 512


def unpacked(data: bytes, most: int) -> dict[str, bytes]:
    """Files by their path within the chart. Raises `Malformed` for what is no archive of a chart, holds links, devices
    or paths that lead out of it, or has more than `most` bytes.
    """
    raw = _inflated(data, most)
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                if len(found) >= MOST_FILES:
                    raise _refused(f"the archive has more than {MOST_FILES} files")
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise _refused(f"{member.name[:200]!r} is no plain file: links and devices are not accepted")
                found[_within(member.name)] = content.read()
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise _refused(f"the archive can't be read: {str(error)[:200]}") from error
    if not found:
        raise _refused("no files in chart archive")
    return found


def _inflated(data: bytes, most: int) -> bytes:
    """The tar; never more of it than is accepted, however much the gzip would make."""
    if not data.startswith(MAGIC):
        raise _refused("gzip: invalid header")
    inflate, parts, size, rest = zlib.decompressobj(GZIP), [], 0, data
    try:
        while rest and not inflate.eof:
            part = inflate.decompress(rest, CHUNK)
            size += len(part)
            if size > most:
                raise _refused(f"the chart has more than {most} bytes once unpacked")
            parts.append(part)
            rest = inflate.unconsumed_tail
        parts.append(inflate.flush())
    except zlib.error as error:
        raise _refused("gzip: invalid data") from error
    if not inflate.eof:
        raise _refused("unexpected EOF")
    return b"".join(parts)


def _within(name: str) -> str:
    """The path below the chart's own folder."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]
    if outside or len(path.parts) < 2 or len(name) > LONGEST_PATH or not name.isprintable():  # noqa: PLR2004  # folder and file
        raise _refused(f"the path {name[:200]!r} in the archive doesn't lie within one folder")
    return "/".join(path.parts[1:])


def _refused(text: str) -> Malformed:
    return Malformed("archive", text)
