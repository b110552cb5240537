"""Who sees what, and how that changes with what happens: a stream's reader is checked again at each event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from libs.shared.contracts.accounts_v1 import (
    GlobalRoleBound,
    GlobalRoleChanged,
    GlobalRoleDeleted,
    GlobalRoleUnbound,
    SessionEnded,
    Subject,
    UserChanged,
    UserDeleted,
    UserDisabled,
    WorkspaceDeleted,
    WorkspaceMemberChanged,
    WorkspaceMemberInvited,
    WorkspaceMemberRemoved,
    WorkspaceRoleBound,
    WorkspaceRoleDeleted,
    WorkspaceRoleUnbound,
)
from libs.shared.event import Event
from services.events.domain.entry import Entry

BUILT_IN = "system:"


@dataclass(frozen=True, slots=True)
class Cut:
    """That a stream ends: why, for machines and for people."""

    reason: str
    text: str


ACCOUNT = Cut("account-ended", "the account was disabled or deleted")
SESSION = Cut("session-ended", "the session has ended: sign in again")
RIGHTS = Cut("rights-changed", "what you may see may have changed: open the stream again from its last id")
SLOW = Cut("slow", "the stream was read too slowly: open it again from its last id")
GONE = Cut("gone", "what comes next is no longer kept: read on from the oldest that is, with after=0")
CLOSING = Cut("closing", "the service is stopping: open the stream again from its last id")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A reader, as the gateway answered for him when he came. What happened before `since` is in that already."""

    user: str
    groups: frozenset[str]
    session: str
    since: datetime
    everything: bool
    workspaces: frozenset[str]
    floors: Mapping[str, int] = field(default_factory=dict)
    """Position by workspace where its history begins; what is before was told of a former one of that name."""

    def sees(self, entry: Entry) -> bool:
        """Administrators see all; members what carries a workspace of theirs, from its floor on."""
        return self.everything or (
            entry.workspace in self.workspaces and entry.position >= self.floors.get(entry.workspace, 0)
        )

    @property
    def own_groups(self) -> frozenset[str]:
        """Groups that somebody put him in."""
        return frozenset(group for group in self.groups if not group.startswith(BUILT_IN))

    def among(self, subjects: tuple[Subject, ...]) -> bool:
        """Whether a binding with these subjects binds him."""
        return any(
            (subject.kind == "User" and subject.name == self.user)
            or (subject.kind == "Group" and subject.name in self.groups)
            for subject in subjects
        )


Outcome = Viewer | Cut


def in_workspace(viewer: Viewer, workspace: str) -> Viewer:
    """He sees it from now on."""
    return replace(viewer, workspaces=viewer.workspaces | {workspace})


def out_of_workspace(viewer: Viewer, workspace: str) -> Viewer:
    """He sees nothing more of it."""
    return replace(viewer, workspaces=viewer.workspaces - {workspace})


def account_ended(viewer: Viewer, event: UserDisabled | UserDeleted) -> Outcome:
    """Nobody reads on with an account that is disabled or gone."""
    return ACCOUNT if event.user == viewer.user else viewer


def session_ended(viewer: Viewer, event: SessionEnded) -> Outcome:
    """Nobody reads on with a session that has ended."""
    return SESSION if viewer.session and event.session == viewer.session else viewer


def user_changed(viewer: Viewer, event: UserChanged) -> Outcome:
    """Other groups may be bound elsewhere."""
    return RIGHTS if event.user == viewer.user and frozenset(event.groups) != viewer.own_groups else viewer


def member_came(viewer: Viewer, event: WorkspaceMemberInvited | WorkspaceMemberChanged) -> Outcome:
    """He is a member."""
    return in_workspace(viewer, event.workspace) if event.user == viewer.user else viewer


def member_went(viewer: Viewer, event: WorkspaceMemberRemoved) -> Outcome:
    """He is no member any more; a group's binding may still be his."""
    return distrusted(viewer, event.workspace) if event.user == viewer.user else viewer


def workspace_deleted(viewer: Viewer, event: WorkspaceDeleted) -> Outcome:
    """A later one of that name is another one."""
    return out_of_workspace(viewer, event.workspace)


def role_bound(viewer: Viewer, event: WorkspaceRoleBound) -> Outcome:
    """A binding came, or was rewritten."""
    if viewer.among(event.subjects):
        return in_workspace(viewer, event.workspace)
    return distrusted(viewer, event.workspace) if viewer.among(event.former) else viewer


def role_unbound(viewer: Viewer, event: WorkspaceRoleUnbound) -> Outcome:
    """A binding went; one that doesn't say whom it bound may have been his."""
    if event.subjects and not viewer.among(event.subjects):
        return viewer
    return distrusted(viewer, event.workspace)


def role_deleted(viewer: Viewer, event: WorkspaceRoleDeleted) -> Outcome:
    """It may have been what bound him: its bindings grant nothing any more."""
    return distrusted(viewer, event.workspace)


def distrusted(viewer: Viewer, workspace: str) -> Outcome:
    """One way into the workspace is gone. There may be another one, which only the gateway knows: he asks again."""
    return RIGHTS if workspace in viewer.workspaces else viewer


def global_role_bound(viewer: Viewer, event: GlobalRoleBound) -> Outcome:
    """A binding was rewritten without him."""
    lost = viewer.among(event.former) and not viewer.among(event.subjects)
    return RIGHTS if viewer.everything and lost else viewer


def global_role_unbound(viewer: Viewer, event: GlobalRoleUnbound) -> Outcome:
    """A binding went; one that doesn't say whom it bound may have been his."""
    return RIGHTS if viewer.everything and (not event.subjects or viewer.among(event.subjects)) else viewer


def global_role_changed(viewer: Viewer, _: GlobalRoleChanged | GlobalRoleDeleted) -> Outcome:
    """It may have been what let him see everything."""
    return RIGHTS if viewer.everything else viewer


RULES: Mapping[type[Event], Callable[[Viewer, Any], Outcome]] = {
    UserDisabled: account_ended,
    UserDeleted: account_ended,
    UserChanged: user_changed,
    SessionEnded: session_ended,
    WorkspaceMemberInvited: member_came,
    WorkspaceMemberChanged: member_came,
    WorkspaceMemberRemoved: member_went,
    WorkspaceDeleted: workspace_deleted,
    WorkspaceRoleBound: role_bound,
    WorkspaceRoleUnbound: role_unbound,
    WorkspaceRoleDeleted: role_deleted,
    GlobalRoleBound: global_role_bound,
    GlobalRoleUnbound: global_role_unbound,
    GlobalRoleChanged: global_role_changed,
    GlobalRoleDeleted: global_role_changed,
}
TYPES: Mapping[str, type[Event]] = {rule.full_type(): rule for rule in RULES}
KINDS: tuple[str, ...] = tuple(rule.__name__ for rule in RULES)


def bearing(entry: Entry) -> Event | None:
    """The event, when it bears on what anybody sees. Raises nothing: such events are our own, of a known form."""
    known = TYPES.get(entry.type)
    return None if known is None else known.model_validate_json(entry.data)


def seen_after(viewer: Viewer, event: Event, at: datetime) -> Outcome:
    """The viewer after this event of that time."""
    return viewer if at < viewer.since else RULES[type(event)](viewer, event)
