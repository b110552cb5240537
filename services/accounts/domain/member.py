"""A member of a workspace: a user whom one of its roles is bound to."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.contracts.accounts_v1 import WorkspaceMemberChanged, WorkspaceMemberInvited, WorkspaceMemberRemoved
from libs.shared.event import Event
from services.accounts.domain.user import User

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Member:
    """A user and the name of his role in the workspace."""

    user: User
    role: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """The name of a user and of the role that he is to have."""

    user: str
    role: str


def binding_name(user: str, role: str) -> str:
    """How a member's binding is called (spec 7.2)."""
    return f"{user}-{role}"


def manager_binding(workspace: str) -> str:
    """How the binding of a workspace's manager is called: as the role that it grants (spec 10.2)."""
    return f"{workspace}-{ADMIN}"


def joined(workspace: str, user: str, role: str, *, before: str, by: str) -> Event:
    """That he was invited, or has another role than `before`."""
    if before:
        return WorkspaceMemberChanged(workspace=workspace, user=user, role=role, by=by)
    return WorkspaceMemberInvited(workspace=workspace, user=user, role=role, by=by)


def removed(workspace: str, user: str, *, by: str) -> WorkspaceMemberRemoved:
    """That he is a member no more."""
    return WorkspaceMemberRemoved(workspace=workspace, user=user, by=by)
