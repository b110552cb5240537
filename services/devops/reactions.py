"""Accounts' events -> what is known of users, and the end of what belonged to a workspace that is gone."""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import (
    UserChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    WorkspaceDeleted,
)
from libs.shared.service import On
from libs.shared.store.protocol import Unit
from services.devops.commands import member, person, project
from services.devops.domain.person import Person


async def keep_new(unit: Unit, event: UserCreated) -> None:
    """Note a new user."""
    await person.keep_person(unit, _person(event))


async def keep_changed(unit: Unit, event: UserChanged) -> None:
    """Note a user's present form."""
    await person.keep_person(unit, _person(event))


async def note_disabled(unit: Unit, event: UserDisabled) -> None:
    """He may not sign in."""
    await person.note_state(unit, event.user, "Disabled")


async def note_enabled(unit: Unit, event: UserEnabled) -> None:
    """He may sign in again."""
    await person.note_state(unit, event.user, "Active")


async def forget_user(unit: Unit, event: UserDeleted) -> None:
    """Take his roles from him and forget him."""
    await member.forget_user(unit, event.user)
    await person.forget_person(unit, event.user)


async def delete_projects(unit: Unit, event: WorkspaceDeleted) -> None:
    """Remove the projects of a workspace that is gone, unless they were to be kept."""
    if not event.orphan:
        await project.delete_projects_of(unit, event.workspace, by=event.by)


def _person(event: UserCreated | UserChanged) -> Person:
    return Person(name=event.user, uid=event.uid, email=event.email, lang=event.lang, state=event.state)


REACTIONS = (
    On(UserCreated, keep_new),
    On(UserChanged, keep_changed),
    On(UserDisabled, note_disabled),
    On(UserEnabled, note_enabled),
    On(UserDeleted, forget_user),
    On(WorkspaceDeleted, delete_projects),
)
