"""A version of an app: a chart, where its archive is, and where it stands on its way into the store."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.openpitrix_v1 import AppVersionCreated, AppVersionDeleted, AppVersionReviewed
from libs.shared.errors import Conflict, Exists, Malformed
from libs.shared.store.protocol import Document, Index
from services.openpitrix.domain.chart import Chart, Entry, untitled
from services.openpitrix.domain.naming import identity

MOST_AUDITS: Final = 10
LONGEST_MESSAGE: Final = 1000


class State(StrEnum):
    """Of a version; an app's is derived from those of its versions."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PASSED = "passed"
    REJECTED = "rejected"
    ACTIVE = "active"
    SUSPENDED = "suspended"


SHOWN: Final = (State.ACTIVE, State.SUSPENDED)
"""States of versions that were released to the store."""
ACTIONS: Final = {
    "submit": ((State.DRAFT, State.REJECTED), State.SUBMITTED),
    "cancel": ((State.SUBMITTED,), State.DRAFT),
    "pass": ((State.SUBMITTED,), State.PASSED),
    "reject": ((State.SUBMITTED,), State.REJECTED),
    "release": ((State.PASSED,), State.ACTIVE),
    "suspend": ((State.ACTIVE,), State.SUSPENDED),
    "recover": ((State.SUSPENDED,), State.ACTIVE),
}
"""Action -> from which states, to which. The original checks none of it; its console offers only these."""
JUDGED: Final = frozenset({"pass", "reject"})
"""What only those may do who review for the platform: nobody passes his own."""


class Audit(BaseModel):
    """One step on the way."""

    model_config = ConfigDict(frozen=True)

    state: State
    message: str = ""
    operator: str
    at: datetime


class Version(Document):
    """One version. Those of a repository's charts are active from the start and can't be changed."""

    COLLECTION: ClassVar[str] = "versions"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("app",)),
        Index(("repo",)),
        Index(("called",), unique=True),
        Index(("digest",)),
    )

    id: str
    app: str
    repo: str = ""
    """The repository that it comes from; empty for an uploaded one."""
    workspace: str = ""
    called: str = ""
    """`app/version` of an uploaded one, which no other has."""
    chart: Chart
    owner: str = ""
    state: State = State.DRAFT
    state_at: datetime
    created_at: datetime
    updated_at: datetime
    urls: tuple[str, ...] = ()
    digest: str = ""
    """SHA-256 of the archive in hexadecimal: what the index says, or the name of the blob."""
    size: int = 0
    audits: tuple[Audit, ...] = ()
    """The newest first."""


def indexed(repo: str, app: str, entry: Entry, *, workspace: str, owner: str, at: datetime) -> Version:
    """A version out of an index."""
    return Version(
        id=identity("appv", repo, entry.chart.name, entry.chart.version),
        app=app,
        repo=repo,
        workspace=workspace,
        chart=entry.chart,
        owner=owner,
        state=State.ACTIVE,
        state_at=at,
        created_at=at,
        updated_at=at,
        urls=entry.urls,
        digest=entry.digest,
    )


def draft(app: str, chart: Chart, *, identity: str, workspace: str, by: str, at: datetime) -> Version:
    """An uploaded version, not yet submitted."""
    return Version(
        id=identity,
        app=app,
        workspace=workspace,
        called=f"{app}/{chart.version}",
        chart=chart,
        owner=by,
        state_at=at,
        created_at=at,
        updated_at=at,
        audits=(Audit(state=State.DRAFT, operator=by, at=at),),
    )


def taken() -> Exists:
    """That the app has this version."""
    return Exists("version-exists", "application version exists")


def not_permitted() -> Conflict:
    """The refusal of what a version's state, or its coming from a repository, doesn't allow."""
    return Conflict("action-not-permitted", "action not permitted")


def other_chart(given: str, wanted: str) -> Conflict:
    """The refusal of a package of another chart."""
    text = f"chart name not match, current name: {given}, original name: {wanted}"
    return Conflict("chart-differs", text)


def unknown_action() -> Malformed:
    """The refusal of an action that there isn't, or not now."""
    return Malformed("action-unknown", "action not support")


def act(version: Version, action: str, message: str, *, by: str, at: datetime) -> tuple[Version, AppVersionReviewed]:
    """One step on the way; raises `Malformed` for no action, `Conflict` for one that its state doesn't allow."""
    if action not in ACTIONS:
        raise unknown_action()
    start, state = ACTIONS[action]
    if version.state not in start or version.repo:
        raise not_permitted()
    audit = Audit(state=state, message=message[:LONGEST_MESSAGE], operator=by, at=at)
    changed = {"state": state, "state_at": at, "updated_at": at, "audits": (audit, *version.audits)[:MOST_AUDITS]}
    told = AppVersionReviewed(
        app=version.app, version=version.id, name=version.chart.title, workspace=version.workspace, state=state, by=by
    )
    return version.model_copy(update=changed), told


def describe(version: Version, *, name: str, description: str | None, at: datetime) -> Version:
    """Another name or description; raises `Invalid`, or `Conflict` for one of a repository."""
    if version.repo:
        raise not_permitted()
    changed: dict[str, object] = {}
    if name:
        number, app_version = untitled(name)
        changed |= {"version": number, "app_version": app_version}
    if description is not None:
        changed["description"] = description[:2048]
    chart = version.chart.model_copy(update=changed)
    return version.model_copy(update={"chart": chart, "called": f"{version.app}/{chart.version}", "updated_at": at})


def created(version: Version) -> AppVersionCreated:
    """That it was uploaded."""
    return AppVersionCreated(
        app=version.app,
        version=version.id,
        name=version.chart.title,
        workspace=version.workspace,
        by=version.owner,
    )


def deleted(version: Version, *, by: str) -> AppVersionDeleted:
    """That it is gone."""
    return AppVersionDeleted(
        app=version.app, version=version.id, name=version.chart.title, workspace=version.workspace, by=by
    )
