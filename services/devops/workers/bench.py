"""What one run is carried on with: its log, its workspace, its variables, what it was lent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Invalid
from libs.shared.values import Secret
from services.devops.domain import pipeline as pipelines
from services.devops.domain.jenkinsfile.filling import Variables
from services.devops.domain.jenkinsfile.model import Pipeline as Script
from services.devops.domain.masking import Masks, Stream
from services.devops.domain.project import Project
from services.devops.domain.run import Result, Run
from services.devops.parts import Parts
from services.devops.workers.book import Book
from services.devops.workers.leash import Halt, Leash

MIB: Final = 1 << 20
LOOK_SECONDS: Final = 1.0
"""How often the size of a workspace is looked at while a step runs."""
MOST_FILES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a step stands: in which stage, which folder, with which environment."""

    node: str
    leash: Leash
    env: Mapping[str, str]
    cwd: str = "."


@dataclass
class Bench:
    """One run on its way."""

    parts: Parts
    project: Project
    script: Script
    book: Book
    leash: Leash
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from time to time, and whenever somebody's word may have been given."""
    masks: Masks = field(default_factory=Masks)
    waiting: int = 0
    """Inputs that wait for somebody's word."""
    told: str = ""
    """The last failure that the log tells of."""

    def __post_init__(self) -> None:
        self.run: Run = self.book.run
        self.log = self.parts.works.logs.of(self.run.uid)
        self.room = self.parts.works.rooms / self.run.uid
        self.params = self._params()

    def open(self) -> None:
        """Make the workspace, or find the one that is there. Raises `Broken`."""
        try:
            for name in ("work", "home", "tmp", "lent"):
                (self.room / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Broken("workspace", f"the workspace of a run can't be made: {error.strerror}") from error
        self.log.open()

    @property
    def work(self) -> Path:
        """The workspace."""
        return self.room / "work"

    def environment(self) -> dict[str, str]:
        """What every step of the run finds in its environment; a parameter is a variable as well."""
        run = self.run
        own = {
            "CI": "true",
            "BUILD_NUMBER": str(run.number),
            "BUILD_ID": str(run.number),
            "BUILD_TAG": f"{run.project}-{run.pipeline}-{run.number}",
            "BUILD_USER_ID": run.creator,
            "JOB_NAME": f"{run.project}/{run.pipeline}",
            "JOB_BASE_NAME": run.pipeline,
            "WORKSPACE": str(self.work),
            "HOME": str(self.room / "home"),
            "TMPDIR": str(self.room / "tmp"),
        }
        return {**self.params, **own, **({"BRANCH_NAME": run.branch} if run.branch else {})}

    def variables(self, env: Mapping[str, str]) -> Variables:
        """What a text's variables are filled in from."""
        return Variables(env, self.params, self.run.branch)

    def folder(self, cwd: str) -> Path:
        """A folder of the workspace, made where there is none. Raises `Halt`."""
        found = self.work / cwd
        try:
            found.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError):
            raise Halt(Result.FAILURE, f"the folder {cwd[:200]} can't be made in the workspace") from None
        return found

    def lent(self, secrets: Iterable[str]) -> None:
        """Hide these from now on."""
        self.masks.add(Secret(text) for text in secrets)

    @contextlib.contextmanager
    def files(self, texts: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
        """Secrets as files for the time of a block: name -> its path."""
        made: dict[str, Path] = {}
        try:
            for place, (name, text) in enumerate(texts):
                path = self.room / "lent" / f"{name}-{place}-{os.urandom(6).hex()}"
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(text)
                made[name] = path
            yield {name: str(path) for name, path in made.items()}
        except OSError as error:
            raise Broken("lent-file", f"a credential can't be given as a file: {error.strerror}") from error
        finally:
            for path in made.values():
                path.unlink(missing_ok=True)

    def say(self, text: str, step: str = "") -> None:
        """A line of the log."""
        self.log.write(step, self.masks.hidden(text.encode(errors="replace").rstrip(b"\n")) + b"\n")

    def say_why(self, reason: str, step: str = "") -> None:
        """Why something failed, once."""
        if reason and reason != self.told:
            self.say(f"ERROR: {reason}", step)
        self.told = reason

    async def heard(self, step: str, stream: Stream, part: bytes) -> None:
        """Something that a step wrote. Raises `Halt` when the log is full."""
        if self.log.full:
            raise Halt(Result.FAILURE, f"the log of a run has at most {self.parts.settings.log_mib} MiB, and is full")
        self.log.write(step, stream.take(part))
        await asyncio.sleep(0)  # a step that writes without end lets others live

    async def watched(self, leash: Leash) -> None:
        """Cut the leash when the workspace is larger than it may be."""
        most = self.parts.settings.workspace_mib * MIB
        while await asyncio.to_thread(_size, self.room, most) <= most:
            await self.parts.clock.sleep(LOOK_SECONDS)
        text = f"the workspace of a run has at most {self.parts.settings.workspace_mib} MiB, and is larger"
        leash.cut(Halt(Result.FAILURE, text))

    async def close(self) -> None:
        """Remove the workspace."""
        await asyncio.to_thread(shutil.rmtree, self.room, ignore_errors=True)

    def _params(self) -> dict[str, str]:
        """Every parameter that there is, by its name: what the run was given, else its default."""
        known = {one.name: one for one in (*pipelines.parameters(self.run.spec), *self.script.parameters)}
        values = {name: one.default for name, one in known.items()}
        for given in self.run.parameters:
            if given.name in values:
                sealed = f"pipelineruns/{self.run.uid}/{given.name}"
                values[given.name] = (
                    self.parts.works.sealer.unseal(given.sealed, sealed).reveal() if given.sealed else given.value
                )
        self.lent(values[name] for name, one in known.items() if one.kind == "password")
        return values


def inside(cwd: str, path: str) -> str:
    """A folder below another in the workspace. Raises `Invalid` for one outside of it."""
    joined = os.path.normpath(os.path.join(cwd, path))  # noqa: PTH118  # names, not files
    if Path(joined).is_absolute() or joined.split("/", 1)[0] == ".." or "\x00" in joined:
        raise Invalid("outside", "dir names a folder of the workspace, by a relative path without a way out")
    return joined


def _size(folder: Path, most: int) -> int:
    """Bytes that the files below take, no further than it matters."""
    size = count = 0
    for home, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(home, name)).st_blocks * 512  # noqa: PTH118  # walk's own paths
            count += 1
            if size > most or count > MOST_FILES:
                return most + 1
    return size
