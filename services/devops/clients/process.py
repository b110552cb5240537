"""The executor `process:`: each step is a child of this machine, in a session of its own, with nothing of our
environment, bounded, and walled in by bubblewrap or by namespaces of its own. It dies with the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from libs.shared.errors import Broken

LAUNCHER: Final = Path(__file__).with_name("launcher.py")
CHUNK: Final = 64 << 10
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECONDS_TO_PROBE: Final = 5.0
UNCONFINED: Final = "process limits alone"
LOADER: Final = "LD_"
"""How names begin that the dynamic loader obeys, in bubblewrap itself as well, before it has built its walls."""
Sink = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one step may take: bytes of memory a process and of a file, processes, open files."""

    memory: int
    file: int
    processes: int
    files: int = 1024


@dataclass(frozen=True, slots=True)
class Job:
    """What is run, where, with which environment. `room` is the folder that it may write in."""

    argv: Sequence[str]
    cwd: Path
    room: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: `why` is empty for success."""

    code: int
    why: str = ""


class Processes:
    """Runs jobs, at most so many at one time."""

    def __init__(self, limits: Limits, at_once: int, hidden: Path) -> None:
        """`hidden` is the folder that is hidden from steps: ours."""
        self._limits = limits
        self._turns = asyncio.Semaphore(at_once)
        self._hidden = hidden
        self._bubble: str | None = None
        self._walls = False

    async def probe(self) -> str:
        """Find out what confines steps here: `bubblewrap`, `namespaces`, or `process limits alone`."""
        found = shutil.which("bwrap", path=PATH)
        if found is not None and await _works(found):
            self._bubble = found
            return "bubblewrap"
        self._walls = await self._walled()
        return "namespaces" if self._walls else UNCONFINED

    async def _walled(self) -> bool:
        """Whether a step within walls sees nothing of our folder but its room."""
        heard: list[bytes] = []

        async def hear(part: bytes) -> None:
            heard.append(part)

        self._walls = True
        with tempfile.TemporaryDirectory(dir=self._hidden) as name:
            room = Path(name)
            try:
                outcome = await self.execute(Job(("/bin/ls", "-A", str(self._hidden)), room, room), hear)
            except Broken:
                return False
        return not outcome.why and b"".join(heard).decode().split() == [room.name]

    async def execute(self, job: Job, sink: Sink) -> Outcome:
        """Run it to its end, handing on what it writes. Cancelled: every process of it is killed. Raises `Broken` when
        it can't be run at all.
        """
        async with self._turns:
            heard, told = os.pipe()
            try:
                child = await _begun(told)
            except OSError as error:
                os.close(heard)
                raise Broken("executor", f"no process can be begun: {error.strerror}") from error
            finally:
                os.close(told)
            try:
                return await self._carried(child, job, sink, heard)
            finally:
                await _ended(child)
                os.close(heard)

    async def _carried(self, child: asyncio.subprocess.Process, job: Job, sink: Sink, heard: int) -> Outcome:
        if child.stdin is None or child.stdout is None:
            raise Broken("executor", "a step has no pipes")
        with contextlib.suppress(ConnectionError):  # it has died already, which its outcome tells
            child.stdin.write(orjson.dumps(self._wish(job)) + b"\n")
            await child.stdin.drain()
        while part := await child.stdout.read(CHUNK):
            await sink(part)
        await child.wait()
        return _outcome(os.read(heard, 64).decode(), self._limits)

    def _wish(self, job: Job) -> Mapping[str, object]:
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_AS": self._limits.memory,
            "RLIMIT_FSIZE": self._limits.file,
            "RLIMIT_NOFILE": self._limits.files,
        }
        return {
            "argv": [*self._confined(job), *job.argv],
            "cwd": str(job.cwd),
            "env": {"PATH": PATH, "LANG": "C.UTF-8", **self._given(job.env)},
            "walls": {"hidden": str(self._hidden), "room": str(job.room)} if self._walls else None,
            "limits": limits,
            "processes": self._limits.processes,
        }

    def _given(self, env: Mapping[str, str]) -> Mapping[str, str]:
        if self._bubble is None:
            return env
        return {name: value for name, value in env.items() if not name.startswith(LOADER)}

    def _confined(self, job: Job) -> tuple[str, ...]:
        """Its own processes and hosts' names, our folder hidden, all but its room only to be read."""
        if self._bubble is None:
            return ()
        return (
            *(self._bubble, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
            *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108  # bwrap's own
            *("--tmpfs", str(self._hidden), "--bind", str(job.room), str(job.room)),
            *("--chdir", str(job.cwd), "--"),
        )


async def _begun(told: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", str(LAUNCHER), str(told)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(told,),
        start_new_session=True,
        env={},
        cwd="/",
        limit=CHUNK,
    )


async def _ended(child: asyncio.subprocess.Process) -> None:
    """Let go of the lifeline: whatever is left of the step dies, and then the launcher."""
    if child.stdin is not None:
        child.stdin.close()
    if child.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_PROBE):
                await _drained(child)
    if child.returncode is None:
        child.kill()
        await child.wait()


async def _drained(child: asyncio.subprocess.Process) -> None:
    """What it still writes is nobody's any more: a full pipe would keep it from ending."""
    while child.stdout is not None and await child.stdout.read(CHUNK):
        pass
    await child.wait()


def _outcome(text: str, limits: Limits) -> Outcome:
    what, _, number = text.partition(" ")
    if what == "exit":
        return Outcome(int(number), "" if number == "0" else f"exit code {number}")
    if what == "signal":
        return Outcome(128 + int(number), f"killed by signal {number}")
    if what == "processes":
        return Outcome(1, f"more than {limits.processes} processes at one time, which is the most")
    return Outcome(1, "the process that ran it ended")


async def _works(program: str) -> bool:
    try:
        child = await asyncio.create_subprocess_exec(
            *(program, "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        async with asyncio.timeout(SECONDS_TO_PROBE):
            return await child.wait() == 0
    except (OSError, TimeoutError):
        return False
