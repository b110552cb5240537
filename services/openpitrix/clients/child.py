"""One call in a process of its own: bounded in time, memory and output, killed in order, and gone when we are."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Busy

LARGEST: Final = 64 << 20
LARGEST_LAMENT: Final = 4 << 10
GRACE: Final = 2.0
"""Seconds between the request to end and its enforcement."""
CHUNK: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Call:
    """A script of ours that runs by itself, and what it is handed. `sent` is written to its standard input."""

    script: Path
    arguments: Sequence[str]
    sent: bytes
    seconds: float
    largest: int = LARGEST
    environment: Mapping[str, str] | None = None


async def called(call: Call) -> bytes:
    """What the child wrote. Its input stays open for as long as we live: at the end of it, it ends itself.

    Raises `Busy` when it isn't done in time or no process can be made, `Broken` when it dies or says too much.
    """
    name = call.script.stem
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(call.script),
            *call.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **(call.environment or {})},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise Busy("child", f"no process can be made for {name}: {error.strerror}") from error
    try:
        async with asyncio.timeout(call.seconds):
            said, lament = await _talked(process, call)
            status = await process.wait()
    except TimeoutError:
        raise Busy("child-slow", f"{name} was not done within {call.seconds:g} s") from None
    finally:
        await _ended(process)
    if status != 0:
        told = lament.decode(errors="replace").strip().rpartition("\n")[2][:300]
        raise Broken("child-died", f"{name} ended with {status}: {told}")
    return said


async def _talked(process: asyncio.subprocess.Process, call: Call) -> tuple[bytes, bytes]:
    """Its whole output and the end of its laments. Raises `Broken` past the bound."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise Broken("child-pipes", "a child process came without its pipes")
    lament = asyncio.create_task(_lament(process.stderr))
    try:
        with contextlib.suppress(ConnectionError):  # it died: its status tells
            process.stdin.write(len(call.sent).to_bytes(8, "big") + call.sent)
            await process.stdin.drain()
        parts, size = [], 0
        while part := await process.stdout.read(CHUNK):
            size += len(part)
            if size > call.largest:
                raise Broken("child-too-much", f"{call.script.stem} said more than {call.largest} bytes")
            parts.append(part)
        return b"".join(parts), await lament
    finally:
        lament.cancel()
        await asyncio.gather(lament, return_exceptions=True)


async def _lament(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while part := await stream.read(CHUNK):
        kept = (kept + part)[-LARGEST_LAMENT:]
    return kept


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Ask it and all that it began to end, then make them; return when it is gone, even while being cancelled."""
    if process.returncode is None:
        await asyncio.shield(_killed(process))


async def _killed(process: asyncio.subprocess.Process) -> None:
    _signalled(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(GRACE):
            await process.wait()
    except TimeoutError:
        _signalled(process.pid, signal.SIGKILL)
        await process.wait()


def _signalled(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
