"""A release: an app that somebody wants in his project, and how far that has come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.openpitrix_v1 import (
    ReleaseDeleted,
    ReleaseDeleteRequested,
    ReleaseFailed,
    ReleaseInstalled,
    ReleaseRequested,
    ReleaseUpgraded,
    ReleaseUpgradeRequested,
)
from libs.shared.errors import Conflict, Exists, Malformed, TooLarge
from libs.shared.store.protocol import Document, Index
from services.openpitrix.domain.chart import Chart
from services.openpitrix.domain.version import Version

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LONGEST_NAME: Final = 53
"""Helm's bound: names of objects are made of it."""
LONGEST_DESCRIPTION: Final = 2048
LONGEST_MESSAGE: Final = 2000
MOST_STEPS: Final = 10
MOST_OBJECTS: Final = 500
CLUSTER: Final = "default"
"""How the one cluster is called."""


class Work(StrEnum):
    """What is to be done about it."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    DELETE = "delete"


class State(StrEnum):
    """Where it stands, in OpenPitrix' words."""

    CREATING = "creating"
    ACTIVE = "active"
    UPGRADING = "upgrading"
    FAILED = "failed"
    DELETING = "deleting"


UPGRADABLE: Final = (State.ACTIVE, State.FAILED)


class Step(BaseModel):
    """One change of state."""

    model_config = ConfigDict(frozen=True)

    state: State
    message: str = ""
    at: datetime


class Made(BaseModel):
    """An object in the cluster that a release has made."""

    model_config = ConfigDict(frozen=True)

    api_version: str
    kind: str
    name: str
    namespace: str = ""


class Release(Document):
    """One release. `wish` grows with every change that is asked for; `done` is the wish that was last served. The chain
    of causes that the last wish came from is kept, so that whatever follows is told as part of it.
    """

    COLLECTION: ClassVar[str] = "releases"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("workspace",)),
        Index(("namespace",)),
        Index(("place",), unique=True),
        Index(("due_at",)),
    )

    id: str
    workspace: str
    namespace: str
    name: str
    place: str
    """`namespace/name`, which no other has."""
    app: str
    version: str
    repo: str = ""
    chart: Chart
    values: str = ""
    description: str = ""
    owner: str
    by: str
    """Who asked for the last wish: his rights count."""
    work: Work = Work.INSTALL
    state: State = State.CREATING
    message: str = ""
    wish: int = 1
    done: int = 0
    attempts: int = 0
    installed: bool = False
    """Whether it has been active at any time."""
    created_at: datetime
    state_at: datetime
    deployed_at: datetime | None = None
    due_at: datetime | None = None
    """When it is to be worked on next; None for nothing to do."""
    objects: tuple[Made, ...] = ()
    steps: tuple[Step, ...] = ()
    """The newest first."""
    correlation: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release is wanted."""

    workspace: str
    namespace: str


@dataclass(frozen=True, slots=True)
class ReleaseWish:
    """A release as somebody wants it."""

    name: str
    values: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who wants it, and the chain of causes that the wish is part of."""

    by: str
    correlation: str = ""
    traceparent: str = ""


def request(
    wish: ReleaseWish, version: Version, place: Place, cause: Cause, *, identity: str, at: datetime
) -> tuple[Release, ReleaseRequested]:
    """A new one, to be installed at once; raises `Malformed`."""
    if not NAME.fullmatch(wish.name) or len(wish.name) > LONGEST_NAME:
        text = (
            f"release name {wish.name[:80]!r} is not accepted: lower case letters, digits and -, at most {LONGEST_NAME}"
        )
        raise Malformed("release-name", text)
    release = Release(
        id=identity,
        workspace=place.workspace,
        namespace=place.namespace,
        name=wish.name,
        place=f"{place.namespace}/{wish.name}",
        app=version.app,
        version=version.id,
        repo=version.repo,
        chart=version.chart,
        values=wish.values,
        description=wish.description[:LONGEST_DESCRIPTION],
        owner=cause.by,
        by=cause.by,
        created_at=at,
        state_at=at,
        due_at=at,
        steps=(Step(state=State.CREATING, at=at),),
        correlation=cause.correlation,
        traceparent=cause.traceparent,
    )
    told = ReleaseRequested(
        release=release.id,
        name=release.name,
        workspace=release.workspace,
        namespace=release.namespace,
        app=release.app,
        version=release.version,
        chart=release.chart.name,
        by=cause.by,
    )
    return release, told


def check_values(text: str, most: int) -> str:
    """The values, when they aren't too large; raises `TooLarge`. Whether they are YAML, Helm says."""
    if len(text.encode()) > most:
        raise TooLarge("values-too-large", f"the values of a release have at most {most} bytes")
    return text


def taken(name: str) -> Exists:
    """That the project has one of this name."""
    return Exists("release-exists", f"release {name} exists")


def upgrade(
    release: Release, version: Version, values: str, cause: Cause, at: datetime
) -> tuple[Release, ReleaseUpgradeRequested]:
    """Another version or other values; no values keep those that stand. Raises `Conflict` while it is worked on."""
    if release.state not in UPGRADABLE:
        raise Conflict("release-busy", "can not upgrade application now", name=release.id)
    wished = _wished(release, Work.UPGRADE, State.UPGRADING, cause, at)
    changed = {"app": version.app, "version": version.id, "repo": version.repo, "chart": version.chart}
    kept = wished.model_copy(update=changed | ({"values": values} if values.strip() else {}))
    told = ReleaseUpgradeRequested(
        release=kept.id,
        name=kept.name,
        workspace=kept.workspace,
        namespace=kept.namespace,
        app=kept.app,
        version=kept.version,
        by=cause.by,
    )
    return kept, told


def remove(release: Release, cause: Cause, at: datetime) -> tuple[Release, ReleaseDeleteRequested]:
    """Take it out of the cluster, whatever it is doing."""
    told = ReleaseDeleteRequested(
        release=release.id,
        name=release.name,
        workspace=release.workspace,
        namespace=release.namespace,
        by=cause.by,
    )
    return _wished(release, Work.DELETE, State.DELETING, cause, at), told


def describe(release: Release, description: str) -> Release:
    """Another description."""
    return release.model_copy(update={"description": description.strip()[:LONGEST_DESCRIPTION]})


def succeed(
    release: Release, objects: Sequence[Made], at: datetime
) -> tuple[Release, ReleaseInstalled | ReleaseUpgraded]:
    """It stands in the cluster as wished."""
    kept = _stepped(release, State.ACTIVE, "", at).model_copy(
        update={
            "done": release.wish,
            "attempts": 0,
            "due_at": None,
            "deployed_at": at,
            "installed": True,
            "objects": tuple(objects[:MOST_OBJECTS]),
        }
    )
    about = {
        "release": release.id,
        "name": release.name,
        "workspace": release.workspace,
        "namespace": release.namespace,
        "app": release.app,
        "version": release.version,
        "chart": release.chart.name,
        "chart_version": release.chart.version,
    }
    return kept, ReleaseUpgraded(**about) if release.installed else ReleaseInstalled(**about)


def fail(release: Release, slug: str, message: str, at: datetime) -> tuple[Release, ReleaseFailed]:
    """It came to nothing; it is not tried again by itself."""
    kept = _stepped(release, State.FAILED, message, at).model_copy(
        update={"done": release.wish, "attempts": 0, "due_at": None}
    )
    told = ReleaseFailed(
        release=release.id,
        name=release.name,
        workspace=release.workspace,
        namespace=release.namespace,
        app=release.app,
        version=release.version,
        reason=slug,
    )
    return kept, told


def put_off(release: Release, message: str, pause: float, at: datetime) -> Release:
    """What keeps it may pass: try again later, and say so meanwhile."""
    return release.model_copy(
        update={
            "attempts": release.attempts + 1,
            "message": message[:LONGEST_MESSAGE],
            "due_at": at + timedelta(seconds=pause),
        }
    )


def deleted(release: Release) -> ReleaseDeleted:
    """That it is gone."""
    return ReleaseDeleted(
        release=release.id, name=release.name, workspace=release.workspace, namespace=release.namespace
    )


def subject(release: str) -> str:
    """What events of a release are about."""
    return f"releases/{release}"


def _wished(release: Release, work: Work, state: State, cause: Cause, at: datetime) -> Release:
    return _stepped(release, state, "", at).model_copy(
        update={
            "work": work,
            "by": cause.by,
            "wish": release.wish + 1,
            "attempts": 0,
            "due_at": at,
            "correlation": cause.correlation,
            "traceparent": cause.traceparent,
        }
    )


def _stepped(release: Release, state: State, message: str, at: datetime) -> Release:
    kept = message[:LONGEST_MESSAGE]
    step = Step(state=state, message=kept, at=at)
    return release.model_copy(
        update={"state": state, "message": kept, "state_at": at, "steps": (step, *release.steps)[:MOST_STEPS]}
    )
