"""A repository of charts: where it is, how it is entered, when it is read, and how that went."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.openpitrix_v1 import (
    RepositoryAdded,
    RepositoryChanged,
    RepositoryDeleted,
    RepositoryFailed,
    RepositoryIndexed,
)
from libs.shared.errors import Exists, Malformed
from libs.shared.store.protocol import Document, Index

LONGEST_NAME: Final = 128
LONGEST_DESCRIPTION: Final = 512
LONGEST_URL: Final = 2048
LONGEST_MESSAGE: Final = 500
LEAST_PERIOD: Final = 180
MOST_PERIOD: Final = 365 * 86400
MOST_EVENTS: Final = 10
SOON: Final = timedelta(seconds=60)
"""Whoever asks for a sync within this of the last one gets it when it has passed (recorded)."""
UNIT: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = re.compile(r"(?:\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(?:ns|us|µs|μs|ms|s|m|h)")


class State(StrEnum):
    """How the last reading of the index went."""

    SYNCING = "syncing"
    SUCCESSFUL = "successful"
    FAILED = "failed"


class Sync(BaseModel):
    """One reading of the index."""

    model_config = ConfigDict(frozen=True)

    state: State
    message: str = ""
    at: datetime


class Repo(Document):
    """One repository. `wish` grows with every reason to read the index, `done` is the wish that was last served."""

    COLLECTION: ClassVar[str] = "repos"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("workspace",)), Index(("place",), unique=True), Index(("due_at",)))

    id: str
    workspace: str = ""
    name: str
    place: str
    """`workspace/name`, which no other has."""
    url: str
    credential: str = ""
    """User and password as JSON, sealed; empty without."""
    description: str = ""
    period: str = ""
    """The sync period as it was typed."""
    seconds: int = 0
    """The period that is kept to; 0 reads on demand alone."""
    creator: str = ""
    created_at: datetime
    state: State = State.SYNCING
    wish: int = 1
    done: int = 0
    failures: int = 0
    synced_at: datetime | None = None
    due_at: datetime | None = None
    """When it is to be read next; None for not by itself."""
    events: tuple[Sync, ...] = ()
    """The newest first."""


@dataclass(frozen=True, slots=True)
class RepoWish:
    """A repository as somebody wants it; None leaves what stands."""

    name: str | None = None
    url: str | None = None
    description: str | None = None
    period: str | None = None


def belongs(repo: str) -> str:
    """What a repository's credential is sealed to."""
    return f"repos/{repo}/credential"


def subject(repo: str) -> str:
    """What events of a repository are about."""
    return f"repos/{repo}"


def duration(text: str) -> int:
    """Whole seconds of a Go duration; empty is 0. Raises `Malformed` in Go's words."""
    if text in ("", "0"):
        return 0
    bare = text.removeprefix("+")
    parts = DURATION.findall(bare)
    if "".join(parts) != bare or not parts or len(text) > LONGEST_NAME:
        raise Malformed("duration", f'time: invalid duration "{text[:40]}"')
    return int(min(sum(_seconds(part) for part in parts), MOST_PERIOD))


def _seconds(part: str) -> float:
    number = re.match(r"[\d.]+", part)
    return float(number[0]) * UNIT[part[number.end() :]] if number else 0.0


def taken(name: str) -> Exists:
    """That the workspace has one of this name."""
    return Exists("repo-exists", "repo exists", name=name)


def make(wish: RepoWish, *, identity: str, workspace: str, credential: str, by: str, at: datetime) -> Repo:
    """A new one, to be read at once; raises `Malformed`."""
    name, period = wish.name or "", wish.period or ""
    _check(name)
    seconds = duration(period)
    return Repo(
        id=identity,
        workspace=workspace,
        name=name,
        place=f"{workspace}/{name}",
        url=wish.url or "",
        credential=credential,
        description=(wish.description or "")[:LONGEST_DESCRIPTION],
        period=period,
        seconds=max(seconds, LEAST_PERIOD) if seconds else 0,
        creator=by,
        created_at=at,
        due_at=at,
    )


def change(repo: Repo, wish: RepoWish, *, credential: str, at: datetime) -> Repo:
    """As wished; another address comes with its own credential and is read at once. Raises `Malformed`."""
    changed: dict[str, object] = {}
    if wish.name:
        _check(wish.name)
        changed |= {"name": wish.name, "place": f"{repo.workspace}/{wish.name}"}
    if wish.description is not None:
        changed["description"] = wish.description[:LONGEST_DESCRIPTION]
    if wish.period is not None:
        seconds = duration(wish.period)
        seconds = max(seconds, LEAST_PERIOD) if seconds else 0
        changed |= {"period": wish.period, "seconds": seconds, "due_at": _next(repo.synced_at, seconds)}
    if wish.url:
        again = {"wish": repo.wish + 1, "state": State.SYNCING, "due_at": at, "failures": 0}
        changed |= {"url": wish.url, "credential": credential, **again}
    return repo.model_copy(update=changed)


def ask(repo: Repo, at: datetime) -> Repo:
    """Read it again, soon."""
    due = at if repo.synced_at is None else max(at, repo.synced_at + SOON)
    return repo.model_copy(
        update={"wish": repo.wish + 1, "due_at": due if repo.due_at is None else min(due, repo.due_at)}
    )


def read_well(repo: Repo, wish: int, *, at: datetime, charts: int, versions: int) -> tuple[Repo, RepositoryIndexed]:
    """Its index was read as of this wish."""
    kept = _read(repo, wish, Sync(state=State.SUCCESSFUL, at=at), failures=0, due=_next(at, repo.seconds))
    told = RepositoryIndexed(repo=repo.id, name=repo.name, workspace=repo.workspace, charts=charts, versions=versions)
    return kept, told


def read_badly(
    repo: Repo, wish: int, *, at: datetime, slug: str, message: str, pause: float
) -> tuple[Repo, RepositoryFailed]:
    """It could not be read; after `pause` seconds it is tried again."""
    sync = Sync(state=State.FAILED, message=message[:LONGEST_MESSAGE], at=at)
    kept = _read(repo, wish, sync, failures=repo.failures + 1, due=at + timedelta(seconds=pause))
    told = RepositoryFailed(repo=repo.id, name=repo.name, workspace=repo.workspace, reason=slug)
    return kept, told


def _read(repo: Repo, wish: int, sync: Sync, *, failures: int, due: datetime | None) -> Repo:
    """A wish made meanwhile keeps its moment."""
    later = repo.wish > wish
    return repo.model_copy(
        update={
            "done": wish,
            "failures": failures,
            "synced_at": sync.at,
            "state": sync.state,
            "due_at": repo.due_at if later else due,
            "events": (sync, *repo.events)[:MOST_EVENTS],
        }
    )


def _next(since: datetime | None, seconds: int) -> datetime | None:
    return since + timedelta(seconds=seconds) if since is not None and seconds else None


def _check(name: str) -> None:
    if not name:
        raise Malformed("repo-name", "repo name is empty")
    if len(name) > LONGEST_NAME or not name.isprintable() or "/" in name:
        raise Malformed(
            "repo-name", f"the name of a repository has at most {LONGEST_NAME} letters, none of them a slash"
        )


def added(repo: Repo) -> RepositoryAdded:
    """That it is known."""
    return RepositoryAdded(repo=repo.id, name=repo.name, workspace=repo.workspace, by=repo.creator)


def changed(repo: Repo, *, by: str) -> RepositoryChanged:
    """That it says something else of itself."""
    return RepositoryChanged(repo=repo.id, name=repo.name, workspace=repo.workspace, by=by)


def deleted(repo: Repo, *, by: str) -> RepositoryDeleted:
    """That it is gone with its apps."""
    return RepositoryDeleted(repo=repo.id, name=repo.name, workspace=repo.workspace, by=by)
