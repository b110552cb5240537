"""An app: a chart's name in a repository, or a template that somebody uploaded; and the store's copy of such a one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from libs.shared.contracts.openpitrix_v1 import AppChanged, AppCreated, AppDeleted
from libs.shared.errors import Conflict, Denied, Exists, Malformed
from libs.shared.store.protocol import Document, Index
from services.openpitrix.domain import semver
from services.openpitrix.domain.chart import Chart
from services.openpitrix.domain.naming import GROUP, STORE_REPO, STORE_SUFFIX, identity
from services.openpitrix.domain.version import SHOWN, State, Version

LONGEST_NAME: Final = 128
LONGEST_TEXT: Final = 64 << 10
MOST_SCREENSHOTS: Final = 6
UNCATEGORIZED: Final = "ctg-uncategorized"


class App(Document):
    """One app. `latest` is the newest of its versions, whatever their states."""

    COLLECTION: ClassVar[str] = "apps"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("repo",)),
        Index(("workspace",)),
        Index(("place",), unique=True),
        Index(("category",)),
    )

    id: str
    repo: str = ""
    """The repository that it comes from, `repo-helm` for the store's copy, empty for an uploaded one."""
    origin: str = ""
    """The app that a copy in the store was made of."""
    workspace: str = ""
    place: str = ""
    """`workspace/name` of an uploaded one, which no other has."""
    name: str
    abstraction: str = ""
    description: str = ""
    home: str = ""
    icon: str = ""
    readme: str = ""
    tos: str = ""
    keywords: str = ""
    maintainers: str = ""
    sources: str = ""
    screenshots: tuple[str, ...] = ()
    category: str = ""
    owner: str = ""
    created_at: datetime
    updated_at: datetime
    state: State = State.DRAFT
    state_at: datetime
    latest: str = ""
    """Id of its newest version."""
    versions: int = 0


TEXTS: Final = ("abstraction", "description", "home", "readme", "tos", "keywords", "maintainers", "sources")
"""What may be said of an uploaded app."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What an uploaded app is begun with."""

    name: str
    icon: str
    chart: Chart


def indexed(repo: str, versions: Sequence[Version], *, workspace: str, owner: str, at: datetime) -> App:
    """The app that a chart of a repository is."""
    newest = newest_of(versions)
    chart = newest.chart
    return App(
        id=app_of(repo, chart.name),
        repo=repo,
        workspace=workspace,
        name=chart.name,
        description=chart.description,
        icon=chart.icon,
        keywords=",".join(chart.keywords),
        owner=owner,
        created_at=at,
        updated_at=at,
        state=State.ACTIVE,
        state_at=at,
        latest=newest.id,
        versions=len(versions),
    )


def app_of(repo: str, chart: str) -> str:
    """The id of the app that a chart of this repository is."""
    return identity("app", repo, chart)


def newest_of(versions: Sequence[Version]) -> Version:
    """By semantic version, then the one made last; raises `ValueError` for none."""
    return max(versions, key=lambda one: (semver.order(one.chart.version), one.created_at, one.id))


def taken() -> Exists:
    """That the workspace has an app of this name."""
    return Exists("app-exists", "application exists")


def make(drawn: Drawn, version: Version, *, app: str, by: str) -> App:
    """An uploaded app with its first version; raises `Malformed`."""
    check_name(drawn.name)
    return App(
        id=app,
        workspace=version.workspace,
        place=f"{version.workspace}/{drawn.name}",
        name=drawn.name,
        description=drawn.chart.description,
        icon=drawn.icon,
        owner=by,
        created_at=version.created_at,
        updated_at=version.created_at,
        state_at=version.created_at,
        latest=version.id,
        versions=1,
    )


def check_name(name: str) -> None:
    """Raise `Malformed` for what no app is called."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Malformed("app-name", f"the name of an app is text of 1 to {LONGEST_NAME} letters")


def immutable(app: App) -> Denied:
    """The refusal to change what a repository says."""
    text = f'helmapplications.{GROUP} "{app.id}" is forbidden: application is immutable'
    return Denied("app-immutable", text, resource="helmapplications", name=app.id)


def derived(versions: Sequence[Version]) -> State:
    """An app's state: any active version makes it active, else any suspended one suspended, else it is a draft."""
    states = {one.state for one in versions}
    return next((state for state in (State.ACTIVE, State.SUSPENDED) if state in states), State.DRAFT)


def settled(app: App, versions: Sequence[Version], at: datetime) -> App:
    """As its versions are now."""
    state = derived(versions)
    return app.model_copy(
        update={
            "state": state,
            "state_at": at if state is not app.state else app.state_at,
            "latest": newest_of(versions).id if versions else "",
            "versions": len(versions),
            "updated_at": at,
        }
    )


def copied(app: App, versions: Sequence[Version], at: datetime, before: App | None) -> App | None:
    """The store's copy, as app and versions are now; None once nothing of it was released."""
    shown = [one for one in versions if one.state in SHOWN]
    if not shown:
        return None
    return app.model_copy(
        update={
            "id": app.id + STORE_SUFFIX,
            "repo": STORE_REPO,
            "origin": app.id,
            "place": "",
            "category": app.category or UNCATEGORIZED,
            "state": derived(shown),
            "state_at": app.state_at,
            "latest": newest_of(shown).id,
            "versions": len(shown),
            "created_at": before.created_at if before else at,
            "updated_at": at,
        }
    )


def owns_versions(app: App) -> Conflict:
    """The refusal to remove an app before its versions."""
    return Conflict("app-has-versions", f"app {app.id} has some versions not deleted", name=app.id)


def created(app: App) -> AppCreated:
    """That it is there."""
    return AppCreated(app=app.id, name=app.name, workspace=app.workspace, by=app.owner)


def changed(app: App, *, by: str) -> AppChanged:
    """That it says something else of itself."""
    return AppChanged(app=app.id, name=app.name, workspace=app.workspace, by=by)


def deleted(app: App, *, by: str) -> AppDeleted:
    """That it is gone."""
    return AppDeleted(app=app.id, name=app.name, workspace=app.workspace, by=by)


def subject(app: str) -> str:
    """What events of an app and its versions are about."""
    return f"apps/{app}"
