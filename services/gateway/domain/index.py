"""What decisions rest on, in memory: accounts, roles, bindings, workspaces and ended sessions, fed by events.

Each thing carries the version of its document, and the newer version wins; a deleted thing's version is remembered,
so that an older event cannot bring it back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.bindings import Binding, Bindings, Place, RoleKey, namespace_place, workspace_place
from services.gateway.domain.caller import Caller, SubjectKey
from services.gateway.domain.rules import Role

DISABLED = "Disabled"
EXPIRED_KEPT = timedelta(minutes=1)
"""Ended sessions are kept this much longer than their tokens live, for clocks that differ."""
SWEEP_EVERY = 256
GONE_KEPT = 100_000
"""Removals that are remembered. An event that is older than one comes late by a snapshot's loading, or a second time;
so many removals later it has long been here.
"""


class Thing(NamedTuple):
    """One document of its owner: `kind` is user, role, binding or workspace."""

    kind: str
    key: Hashable


@dataclass(frozen=True, slots=True)
class User:
    """What of an account bears on decisions."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    state: str = ""

    @property
    def active(self) -> bool:
        """Whether it may use the platform. A lock for failed sign-ins does not end what is signed in; an empty state
        is that of an account made a moment ago.
        """
        return self.state != DISABLED


@dataclass(frozen=True, slots=True)
class Area:
    """A namespace or DevOps project: the workspace that owns it, and the namespace that holds its RoleBindings."""

    workspace: str
    namespace: str


class Index:
    """The read model. Whoever changes it asks `newer` first."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.workspaces: dict[str, Place] = {}
        """Those that stand, each with the place of its bindings."""
        self.bindings = Bindings()
        self.namespaces: dict[str, Area] = {}
        self.devops: dict[str, Area] = {}
        self.ended: dict[str, datetime] = {}
        self._roles: dict[RoleKey, Role] = {}
        self._versions: dict[Thing, int] = {}
        self._gone: dict[Thing, None] = {}
        """The latest removals, in their order."""

    def newer(self, thing: Thing, version: int) -> bool:
        """Whether this version of the thing is to be taken in; notes it if so. Two events of one write share a version,
        but nothing comes after a removal of the same version.
        """
        known = self._versions.get(thing, -1)
        if version < known or (version == known and thing in self._gone):
            return False
        self._versions[thing] = version
        self._gone.pop(thing, None)
        return True

    def gone(self, thing: Thing, version: int) -> bool:
        """As `newer`, for a removal."""
        if version < self._versions.get(thing, -1):
            return False
        self._versions[thing] = version
        self._gone.pop(thing, None)
        self._gone[thing] = None
        while len(self._gone) > GONE_KEPT:
            forgotten = next(iter(self._gone))
            del self._gone[forgotten], self._versions[forgotten]
        return True

    def adopt(self, other: Index) -> None:
        """Become the other index, which a snapshot has filled; areas are of another source and stay."""
        self.users, self.workspaces, self.bindings = other.users, other.workspaces, other.bindings
        self.ended = other.ended
        self._roles, self._versions, self._gone = other._roles, other._versions, other._gone

    def put_user(self, user: User) -> None:
        """Take in an account's present form."""
        self.users[user.name] = user

    def set_state(self, name: str, state: str) -> None:
        """Change an account's state alone."""
        known = self.users.get(name)
        if known is not None:
            self.users[name] = replace(known, state=state)

    def drop_user(self, name: str) -> None:
        """Forget an account: its tokens are refused from now on."""
        self.users.pop(name, None)

    def put_role(self, key: RoleKey, role: Role) -> None:
        """Take in a compiled role."""
        self._roles[key] = role

    def drop_role(self, key: RoleKey) -> None:
        """Forget a role; bindings to it grant nothing any more."""
        self._roles.pop(key, None)

    def put_binding(self, binding: Binding) -> frozenset[SubjectKey]:
        """Take in a binding's present form; returns whom the change concerns."""
        return self.bindings.put(binding)

    def drop_binding(self, place: Place, name: str) -> frozenset[SubjectKey]:
        """Forget a binding; returns whom it bound."""
        return self.bindings.drop(place, name)

    def put_workspace(self, name: str) -> None:
        """A workspace stands."""
        self.workspaces[name] = workspace_place(name)

    def drop_workspace(self, name: str) -> None:
        """A workspace is gone: its bindings grant nothing from now on, even before each is removed."""
        self.workspaces.pop(name, None)

    def end_session(self, session: str, expires: datetime, now: datetime) -> None:
        """Refuse this session's tokens; from time to time forgets sessions whose tokens have expired anyway."""
        self.ended[session] = expires
        if len(self.ended) % SWEEP_EVERY == 0:
            horizon = now - EXPIRED_KEPT
            self.ended = {known: until for known, until in self.ended.items() if until > horizon}

    def role(self, key: RoleKey, place: Place) -> Role | None:
        """The role that a binding at this place means; one of another workspace means nothing here."""
        role = self._roles.get(key)
        if role is None or not role.workspace or (role.workspace == place.name and place.kind == "workspace"):
            return role
        return None

    def owner(self, asked: Attributes) -> str:
        """The workspace whose bindings count: that of the namespace or project, else the path's."""
        if asked.scope is Scope.NAMESPACE:
            area = self.namespaces.get(asked.namespace)
            return area.workspace if area else ""
        if asked.scope is Scope.DEVOPS:
            area = self.devops.get(asked.devops)
            return area.workspace if area else ""
        return asked.workspace if asked.scope is Scope.WORKSPACE else ""

    def home(self, asked: Attributes) -> str:
        """The namespace whose RoleBindings count."""
        if asked.scope is Scope.NAMESPACE:
            return asked.namespace
        area = self.devops.get(asked.devops) if asked.scope is Scope.DEVOPS else None
        return area.namespace if area else ""

    def belongs(self, caller: Caller, workspace: str) -> bool:
        """Whether the caller is bound in this workspace, which stands, to a role that stands."""
        place = self.workspaces.get(workspace)
        return place is not None and any(
            self.role(key, place) is not None
            for held in self.bindings.of(caller.subjects)
            for key in held.get(place, {}).values()
        )

    def joined(self, caller: Caller, namespace: str) -> bool:
        """Whether the caller is bound in this namespace."""
        return self.bindings.binds(caller.subjects, namespace_place(namespace))
