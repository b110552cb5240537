"""Who sees what, and what takes it away: each rule, and that no workspace's event holds an address."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from libs.shared.contracts import accounts_v1, events_v1, notification_v1
from libs.shared.contracts.accounts_v1 import (
    GlobalRoleBound,
    GlobalRoleChanged,
    GlobalRoleUnbound,
    SessionEnded,
    Subject,
    UserChanged,
    UserCreated,
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
from libs.shared.testing.clock import START
from services.events.domain.entry import entered
from services.events.domain.sight import ACCOUNT, RIGHTS, SESSION, Cut, Viewer, bearing, seen_after
from services.events.tests.stage import envelope

BOB = Viewer("bob", frozenset({"system:authenticated"}), "s1", START, everything=False, workspaces=frozenset({"ws1"}))
DEV = Viewer("dev", frozenset({"devs"}), "s2", START, everything=False, workspaces=frozenset({"ws1"}))
ADMIN = Viewer("admin", frozenset(), "s3", START, everything=True, workspaces=frozenset())
AS_BOB, AS_DEVS, AS_CAROL = Subject(kind="User", name="bob"), Subject(kind="Group", name="devs"), Subject(kind="User")


def after(viewer: Viewer, event: Event) -> Cut | frozenset[str]:
    """What becomes of the viewer: cut, or the workspaces that he sees."""
    outcome = seen_after(viewer, event, START + timedelta(seconds=1))
    return outcome if isinstance(outcome, Cut) else outcome.workspaces


@pytest.mark.parametrize(
    ("viewer", "event", "expected"),
    [
        (BOB, UserDisabled(user="bob"), ACCOUNT),
        (BOB, UserDisabled(user="carol"), {"ws1"}),
        (ADMIN, UserDeleted(user="admin"), ACCOUNT),
        (BOB, SessionEnded(session="s1", user="bob"), SESSION),
        (BOB, SessionEnded(session="s9", user="bob"), {"ws1"}),
        (BOB, UserChanged(user="bob", groups=("devs",)), RIGHTS),
        (BOB, UserChanged(user="bob", email="new@example.com"), {"ws1"}),
        (DEV, UserChanged(user="dev", groups=("devs",)), {"ws1"}),
        (DEV, UserChanged(user="dev"), RIGHTS),
        (BOB, WorkspaceMemberInvited(user="bob", workspace="ws2"), {"ws1", "ws2"}),
        (BOB, WorkspaceMemberInvited(user="carol", workspace="ws2"), {"ws1"}),
        (BOB, WorkspaceMemberChanged(user="bob", workspace="ws1"), {"ws1"}),
        (BOB, WorkspaceMemberRemoved(user="bob", workspace="ws1"), RIGHTS),
        (BOB, WorkspaceMemberRemoved(user="bob", workspace="ws2"), {"ws1"}),
        (BOB, WorkspaceMemberRemoved(user="carol", workspace="ws1"), {"ws1"}),
        (BOB, WorkspaceDeleted(workspace="ws1"), set()),
        (BOB, WorkspaceRoleBound(workspace="ws2", subjects=(AS_BOB,)), {"ws1", "ws2"}),
        (DEV, WorkspaceRoleBound(workspace="ws2", subjects=(AS_DEVS,)), {"ws1", "ws2"}),
        (BOB, WorkspaceRoleBound(workspace="ws1", subjects=(AS_DEVS,)), {"ws1"}),
        (BOB, WorkspaceRoleBound(workspace="ws1", subjects=(AS_DEVS,), former=(AS_BOB,)), RIGHTS),
        (BOB, WorkspaceRoleUnbound(workspace="ws1", subjects=(AS_BOB,)), RIGHTS),
        (BOB, WorkspaceRoleDeleted(workspace="ws1", role="ws1-dev"), RIGHTS),
        (BOB, WorkspaceRoleDeleted(workspace="ws2", role="ws2-dev"), {"ws1"}),
        (BOB, WorkspaceRoleUnbound(workspace="ws1", subjects=(AS_CAROL,)), {"ws1"}),
        (DEV, WorkspaceRoleUnbound(workspace="ws1", subjects=(AS_DEVS,)), RIGHTS),
        (DEV, WorkspaceRoleUnbound(workspace="ws2", subjects=(AS_DEVS,)), {"ws1"}),
        (BOB, WorkspaceRoleUnbound(workspace="ws1"), RIGHTS),
        (BOB, WorkspaceRoleUnbound(workspace="ws2"), {"ws1"}),
        (BOB, GlobalRoleUnbound(subjects=(AS_BOB,)), {"ws1"}),
        (ADMIN, GlobalRoleUnbound(subjects=(AS_BOB,)), set()),
        (ADMIN, GlobalRoleUnbound(), RIGHTS),
        (ADMIN, GlobalRoleUnbound(subjects=(Subject(kind="User", name="admin"),)), RIGHTS),
        (ADMIN, GlobalRoleBound(former=(Subject(kind="User", name="admin"),)), RIGHTS),
        (ADMIN, GlobalRoleBound(subjects=(AS_BOB,)), set()),
        (ADMIN, GlobalRoleChanged(role="platform-admin"), RIGHTS),
        (BOB, GlobalRoleChanged(role="platform-admin"), {"ws1"}),
    ],
)
def test_rules(viewer: Viewer, event: Event, expected: Cut | set[str]) -> None:
    """Each event that bears on sight, for the one that it is about and for others."""
    assert after(viewer, event) == expected


def test_what_the_gateway_knew_counts_no_more() -> None:
    """A removal from before the identity was issued says nothing: he may have been invited again since."""
    removed = WorkspaceMemberRemoved(user="bob", workspace="ws1")
    assert seen_after(BOB, removed, START - timedelta(microseconds=1)) == BOB


def test_members_see_their_workspaces_administrators_all() -> None:
    """What carries no workspace is for administrators alone."""
    platform = entered(envelope(UserCreated(user="x", email="x@example.com"), "users/x"), 1)
    mine = entered(envelope(WorkspaceDeleted(workspace="ws1"), "workspaces/ws1", "ws1"), 2)
    other = entered(envelope(WorkspaceDeleted(workspace="ws2"), "workspaces/ws2", "ws2"), 3)
    nobody = Viewer("x", frozenset(), "", START, everything=False, workspaces=frozenset())
    assert [BOB.sees(entry) for entry in (platform, mine, other)] == [False, True, False]
    assert [ADMIN.sees(entry) for entry in (platform, mine, other)] == [True, True, True]
    assert [nobody.sees(entry) for entry in (platform, mine, other)] == [False, False, False]


def test_only_what_bears_on_sight_is_read() -> None:
    """Everything else passes streams without being parsed; the same name of another service is another event."""
    told = envelope(UserDisabled(user="bob"), "users/bob")
    assert bearing(entered(told, 1)) == UserDisabled(user="bob")
    assert bearing(entered(envelope(UserCreated(user="bob"), "users/bob"), 1)) is None


def fields_of(model: type[BaseModel]) -> set[str]:
    """Names of its fields, those of the values in it included."""
    names = set(model.model_fields)
    for field in model.model_fields.values():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                names |= fields_of(kind)
    return names


EVENTS = (*accounts_v1.EVENTS, *notification_v1.EVENTS, *events_v1.EVENTS)
PERSONAL = ("mail", "address", "phone", "ip", "agent")


@pytest.mark.parametrize("event", [event for event in EVENTS if "workspace" in event.model_fields])
def test_a_workspace_sees_no_address(event: type[Event]) -> None:
    """No event that says which workspace it belongs to has a field for an address of any kind."""
    assert [name for name in fields_of(event) if set(name.split("_")) & set(PERSONAL) or "email" in name] == []


def test_workspace_events_are_the_only_ones_told_to_workspaces() -> None:
    """In the services' code, an event without a field for the workspace is never emitted into one."""
    spelled = {event.__name__ for event in EVENTS if "workspace" not in event.model_fields}
    services = Path(__file__).parents[2]
    for file in services.glob("*/commands*"):
        for source in [file] if file.is_file() else file.glob("*.py"):
            for line in source.read_text().splitlines():
                if "emit(" in line and "workspace=" in line:
                    assert not any(name + "(" in line for name in spelled), f"{source}: {line}"
