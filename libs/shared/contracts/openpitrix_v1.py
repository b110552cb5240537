"""GENERATED from proto/orrery/openpitrix/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.event import Event


class RepositoryAdded(Event):
    """A repository of charts is known. Its subject is repos/<repo>; an empty workspace means everybody's."""

    SERVICE: ClassVar[str] = "openpitrix"

    repo: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class RepositoryChanged(Event):
    """RepositoryChanged."""

    SERVICE: ClassVar[str] = "openpitrix"

    repo: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class RepositoryIndexed(Event):
    """Its index was read, and its charts are apps."""

    SERVICE: ClassVar[str] = "openpitrix"

    repo: str = ""
    name: str = ""
    workspace: str = ""
    charts: int = 0
    versions: int = 0


class RepositoryFailed(Event):
    """Its index could not be read; what was read before stays."""

    SERVICE: ClassVar[str] = "openpitrix"

    repo: str = ""
    name: str = ""
    workspace: str = ""
    reason: str = ""
    """Slug of the fault."""


class RepositoryDeleted(Event):
    """RepositoryDeleted."""

    SERVICE: ClassVar[str] = "openpitrix"

    repo: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class AppCreated(Event):
    """Somebody made an app out of a chart of his own. Its subject is apps/<app>."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class AppChanged(Event):
    """AppChanged."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class AppDeleted(Event):
    """AppDeleted."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class AppVersionCreated(Event):
    """A version was uploaded. Its subject is apps/<app>."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    version: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class AppVersionReviewed(Event):
    """It was submitted, passed, rejected, released to the store, suspended, recovered or drawn back: `state` is the new one."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    version: str = ""
    name: str = ""
    workspace: str = ""
    state: str = ""
    by: str = ""


class AppVersionDeleted(Event):
    """AppVersionDeleted."""

    SERVICE: ClassVar[str] = "openpitrix"

    app: str = ""
    version: str = ""
    name: str = ""
    workspace: str = ""
    by: str = ""


class ReleaseRequested(Event):
    """Somebody wants an app in his project. Its subject is releases/<release>."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    chart: str = ""
    by: str = ""


class ReleaseInstalled(Event):
    """It stands in the cluster."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    chart: str = ""
    chart_version: str = ""


class ReleaseUpgradeRequested(Event):
    """Another version or other values are wanted."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    by: str = ""


class ReleaseUpgraded(Event):
    """ReleaseUpgraded."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    chart: str = ""
    chart_version: str = ""


class ReleaseFailed(Event):
    """An installation, upgrade or removal came to nothing; `reason` is the slug of the fault."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    reason: str = ""


class ReleaseDeleteRequested(Event):
    """ReleaseDeleteRequested."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""
    by: str = ""


class ReleaseDeleted(Event):
    """It is gone from the cluster, with everything that it had made."""

    SERVICE: ClassVar[str] = "openpitrix"

    release: str = ""
    name: str = ""
    workspace: str = ""
    namespace: str = ""


EVENTS: tuple[type[Event], ...] = (
    RepositoryAdded,
    RepositoryChanged,
    RepositoryIndexed,
    RepositoryFailed,
    RepositoryDeleted,
    AppCreated,
    AppChanged,
    AppDeleted,
    AppVersionCreated,
    AppVersionReviewed,
    AppVersionDeleted,
    ReleaseRequested,
    ReleaseInstalled,
    ReleaseUpgradeRequested,
    ReleaseUpgraded,
    ReleaseFailed,
    ReleaseDeleteRequested,
    ReleaseDeleted,
)
