"""Everything that decisions rest on, as events that would make it so: the snapshot of the gateway's index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TypeVar

from libs.shared.contracts.accounts_v1 import UserCreated, WorkspaceCreated
from libs.shared.event import Event
from libs.shared.store.protocol import Document, Find, Range, Store
from services.accounts.domain import role as roles
from services.accounts.domain import session as sessions
from services.accounts.domain.role import GlobalRole, GlobalRoleBinding, WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.session import Session
from services.accounts.domain.user import User
from services.accounts.domain.workspace import Workspace

D = TypeVar("D", bound=Document)
Told = tuple[str, int, Event]
"""Subject, the document's version, and the event."""
PAGE = 500
"""Documents read at a time."""


async def index(store: Store, *, at: datetime) -> AsyncIterator[Told]:
    """Users with their state, roles, bindings, workspaces, and sessions that ended before their time, page by page.

    What changes meanwhile is told by events, whose versions are newer: a reader keeps the newer of two.
    """
    async for user in _all(store, User):
        yield f"users/{user.name}", user.stamp.version, _user(user)
    async for role in _all(store, GlobalRole):
        yield roles.subject(role), role.stamp.version, roles.created(role)
    async for binding in _all(store, GlobalRoleBinding):
        yield f"globalrolebindings/{binding.name}", binding.stamp.version, roles.bound(binding)
    async for workspace in _all(store, Workspace):
        yield f"workspaces/{workspace.name}", workspace.stamp.version, _workspace(workspace)
    async for own in _all(store, WorkspaceRole):
        yield roles.subject(own), own.stamp.version, roles.created(own)
    async for bound in _all(store, WorkspaceRoleBinding):
        yield f"workspaces/{bound.workspace}", bound.stamp.version, roles.bound(bound)
    async for ended in _ended(store, at):
        yield f"sessions/{ended.id}", ended.stamp.version, sessions.end(ended, ended.ended)[1]


async def _all(store: Store, kind: type[D]) -> AsyncIterator[D]:
    """Every document of a kind, in pages by key: one that comes or goes meanwhile moves no other out of sight."""
    last = ""
    while True:
        page = await store.of(kind).find(Find((Range(kind.KEY, low=last),), sort=kind.KEY, limit=PAGE + 1))
        fresh = [document for document in page if document.key > last]
        for document in fresh:
            yield document
        if len(page) <= PAGE:
            return
        last = page[-1].key


async def _ended(store: Store, at: datetime) -> AsyncIterator[Session]:
    for session in await store.of(Session).find(Find((Range("expires_at", low=at),))):
        if session.ended:
            yield session


def _user(user: User) -> UserCreated:
    return UserCreated(
        user=user.name, uid=user.uid, email=user.email, lang=user.lang, groups=user.groups, state=user.state
    )


def _workspace(workspace: Workspace) -> WorkspaceCreated:
    return WorkspaceCreated(workspace=workspace.name, uid=workspace.uid, manager=workspace.manager)
