"""Accounts' events -> the index: what each of them changes, and whose permissions may be others now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.event import Event
from services.gateway.domain.bindings import GLOBAL, Binding, Place, RoleKey, workspace_place
from services.gateway.domain.caller import subject_key
from services.gateway.domain.effect import EVERYBODY, NOTHING, Effect, concerning
from services.gateway.domain.index import DISABLED, Index, User
from services.gateway.domain.policy import AUTHENTICATED_ROLE
from services.gateway.domain.rules import Rule, compiled
from services.gateway.domain.shelf import Thing

TOKEN_LIFE = timedelta(days=1)
"""How long an ended session is remembered when its event does not say when its tokens expire."""
GLOBAL_ROLE = "GlobalRole"
WORKSPACE_ROLE = "WorkspaceRole"


def _user(index: Index, event: Any, version: int, _at: datetime) -> Effect:
    if not index.newer(Thing("user", event.user), version):
        return NOTHING
    index.put_user(User(event.user, event.uid, event.groups, event.state))
    names = frozenset({event.user})
    if event.state == DISABLED:
        return Effect(passwords=names, cut_users=names)
    return Effect(users=names)


def _disabled(index: Index, event: accounts.UserDisabled, version: int, _at: datetime) -> Effect:
    if not index.newer(Thing("user", event.user), version):
        return NOTHING
    index.set_state(event.user, DISABLED)
    names = frozenset({event.user})
    return Effect(passwords=names, cut_users=names)


def _enabled(index: Index, event: accounts.UserEnabled, version: int, _at: datetime) -> Effect:
    if index.newer(Thing("user", event.user), version):
        index.set_state(event.user, "Active")
    return NOTHING


def _user_deleted(index: Index, event: accounts.UserDeleted, version: int, _at: datetime) -> Effect:
    if not index.gone(Thing("user", event.user), version):
        return NOTHING
    index.drop_user(event.user)
    names = frozenset({event.user})
    return Effect(passwords=names, cut_users=names)


def _password(_index: Index, event: accounts.PasswordChanged, _version: int, _at: datetime) -> Effect:
    return Effect(passwords=frozenset({event.user}))


def _session_ended(index: Index, event: accounts.SessionEnded, _version: int, at: datetime) -> Effect:
    index.end_session(event.session, event.expires_at or at + TOKEN_LIFE, at)
    return Effect(cut_sessions=frozenset({event.session}))


def _rules(rules: Iterable[accounts.Rule]) -> tuple[Rule, ...]:
    return tuple(Rule.of(r.verbs, r.api_groups, r.resources, r.resource_names, r.non_resource_urls) for r in rules)


def _role_put(
    index: Index, event: accounts.GlobalRoleCreated | accounts.WorkspaceRoleCreated, version: int, _at: datetime
) -> Effect:
    workspace = getattr(event, "workspace", "")
    kind = WORKSPACE_ROLE if isinstance(event, WORKSPACE_ROLE_EVENTS) else GLOBAL_ROLE
    key = RoleKey(kind, event.role)
    if not index.newer(Thing("role", key), version):
        return NOTHING
    policy = AUTHENTICATED_ROLE if key == RoleKey(GLOBAL_ROLE, AUTHENTICATED_ROLE) else ""
    index.put_role(key, compiled(event.role, _rules(event.rules), workspace=workspace, policy=policy))
    return EVERYBODY


def _role_deleted(
    index: Index, event: accounts.GlobalRoleDeleted | accounts.WorkspaceRoleDeleted, version: int, _at: datetime
) -> Effect:
    kind = WORKSPACE_ROLE if isinstance(event, accounts.WorkspaceRoleDeleted) else GLOBAL_ROLE
    key = RoleKey(kind, event.role)
    if not index.gone(Thing("role", key), version):
        return NOTHING
    index.drop_role(key)
    return EVERYBODY


def _bound(
    index: Index, event: accounts.GlobalRoleBound | accounts.WorkspaceRoleBound, version: int, _at: datetime
) -> Effect:
    place = _place(event)
    if not index.newer(Thing("binding", (place, event.binding)), version):
        return NOTHING
    kind = GLOBAL_ROLE if place == GLOBAL else WORKSPACE_ROLE
    subjects = frozenset(subject_key(s.kind, s.name, s.namespace) for s in event.subjects)
    return concerning(index.put_binding(Binding(event.binding, place, RoleKey(kind, event.role), subjects)))


def _unbound(
    index: Index, event: accounts.GlobalRoleUnbound | accounts.WorkspaceRoleUnbound, version: int, _at: datetime
) -> Effect:
    place = _place(event)
    if not index.gone(Thing("binding", (place, event.binding)), version):
        return NOTHING
    return concerning(index.drop_binding(place, event.binding))


def _place(event: Event) -> Place:
    workspace = getattr(event, "workspace", "")
    return workspace_place(workspace) if workspace else GLOBAL


def _workspace(
    index: Index, event: accounts.WorkspaceCreated | accounts.WorkspaceChanged, version: int, _at: datetime
) -> Effect:
    if not index.newer(Thing("workspace", event.workspace), version):
        return NOTHING
    index.put_workspace(event.workspace)
    return NOTHING


def _workspace_deleted(index: Index, event: accounts.WorkspaceDeleted, version: int, _at: datetime) -> Effect:
    if not index.gone(Thing("workspace", event.workspace), version):
        return NOTHING
    index.drop_workspace(event.workspace)
    return EVERYBODY


WORKSPACE_ROLE_EVENTS = (accounts.WorkspaceRoleCreated, accounts.WorkspaceRoleChanged)

Change = Callable[[Index, Any, int, datetime], Effect]

CHANGES: Mapping[type[Event], Change] = {
    accounts.UserCreated: _user,
    accounts.UserChanged: _user,
    accounts.UserDisabled: _disabled,
    accounts.UserEnabled: _enabled,
    accounts.UserDeleted: _user_deleted,
    accounts.PasswordChanged: _password,
    accounts.SessionEnded: _session_ended,
    accounts.GlobalRoleCreated: _role_put,
    accounts.GlobalRoleChanged: _role_put,
    accounts.GlobalRoleDeleted: _role_deleted,
    accounts.GlobalRoleBound: _bound,
    accounts.GlobalRoleUnbound: _unbound,
    accounts.WorkspaceCreated: _workspace,
    accounts.WorkspaceChanged: _workspace,
    accounts.WorkspaceDeleted: _workspace_deleted,
    accounts.WorkspaceRoleCreated: _role_put,
    accounts.WorkspaceRoleChanged: _role_put,
    accounts.WorkspaceRoleDeleted: _role_deleted,
    accounts.WorkspaceRoleBound: _bound,
    accounts.WorkspaceRoleUnbound: _unbound,
}
