"""A workspace: KubeSphere's WorkspaceTemplate, and the Workspace that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from libs.shared.contracts.accounts_v1 import WorkspaceChanged, WorkspaceCreated, WorkspaceDeleted
from libs.shared.errors import Flaw
from services.accounts.domain.resource import TEMPLATES, Resource, derived_uid, metadata_flaws

LONGEST = 63
"""A workspace's name is the value of a label."""
SYSTEM = "system-workspace"


class Workspace(Resource):
    """One tenant. `template_*` are the metadata of the Workspace that follows; the rest is its spec and placement."""

    COLLECTION: ClassVar[str] = "workspaces"
    WATCHED: ClassVar[bool] = True

    manager: str = ""
    network_isolation: bool | None = None
    template_labels: Mapping[str, str] = {}
    template_annotations: Mapping[str, str] = {}
    clusters: tuple[str, ...] = ()
    cluster_selector: Mapping[str, str] | None = None
    """Labels of the clusters that it is placed on; empty means all, None that it isn't said."""
    overrides: tuple[Mapping[str, Any], ...] = ()

    @property
    def workspace_uid(self) -> str:
        """The uid of the Workspace: another object than its template, with an identity that follows from it."""
        return derived_uid(self.uid, "workspace", "")


@dataclass(frozen=True, slots=True)
class WorkspaceWish:
    """A workspace as somebody wants it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    manager: str = ""
    network_isolation: bool | None = None
    template_labels: Mapping[str, str] = field(default_factory=dict)
    template_annotations: Mapping[str, str] = field(default_factory=dict)
    clusters: tuple[str, ...] = ()
    cluster_selector: Mapping[str, str] | None = None
    overrides: tuple[Mapping[str, Any], ...] = ()

    def fields(self) -> dict[str, Any]:
        """What it says, by field of the document, but its name."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "name"}


def check(wish: WorkspaceWish) -> None:
    """Raise `Invalid` for a bad name, label or annotation."""
    flaws = list(metadata_flaws(wish.name, wish.labels, wish.annotations))
    if len(wish.name) > LONGEST:
        flaws.append(Flaw("metadata.name", f"must be no more than {LONGEST} characters", wish.name))
    if len(set(wish.clusters)) != len(wish.clusters):
        flaws.append(Flaw("spec.placement.clusters", "Duplicate value: each cluster may be named once"))
    if flaws:
        raise TEMPLATES.invalid(wish.name, *flaws)


def check_placement(before: Workspace | WorkspaceWish, wish: WorkspaceWish, *, by: str, places: bool) -> None:
    """Raise `Denied` where somebody who manages no clusters (`places`) would place the workspace on others, or take it
    off those that it is on.
    """
    moved = sorted(set(wish.clusters) ^ set(before.clusters))
    if places or not (moved or wish.cluster_selector != before.cluster_selector):
        return
    what = f"cluster {', '.join(moved)}" if moved else "other clusters"
    raise TEMPLATES.denied(wish.name, f'User "{by}" may not use {what}')


def create(wish: WorkspaceWish, *, uid: str, by: str, at: datetime) -> tuple[Workspace, WorkspaceCreated]:
    """A new workspace. Raises `Invalid`."""
    check(wish)
    workspace = Workspace(name=wish.name, uid=uid, created_at=at, **wish.fields())
    return workspace, WorkspaceCreated(workspace=wish.name, uid=uid, manager=wish.manager, by=by)


def change(workspace: Workspace, wish: WorkspaceWish, *, by: str) -> tuple[Workspace, WorkspaceChanged | None]:
    """The workspace as wished; no event where nothing differs. Raises `Invalid`."""
    check(wish)
    if all(getattr(workspace, name) == value for name, value in wish.fields().items()):
        return workspace, None
    after = workspace.changed(**wish.fields())
    return after, WorkspaceChanged(workspace=after.name, uid=after.uid, manager=after.manager, by=by)


def delete(workspace: Workspace, *, orphan: bool, by: str) -> WorkspaceDeleted:
    """That it is gone; `orphan` keeps its projects."""
    return WorkspaceDeleted(workspace=workspace.name, uid=workspace.uid, orphan=orphan, by=by)
