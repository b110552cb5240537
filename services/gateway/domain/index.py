"""What decisions rest on, in memory: accounts, roles, bindings, workspaces, namespaces, DevOps projects and ended
sessions, fed by the events of three sources.

Each thing carries the version of its document, and the newer version wins; a deleted thing's version is remembered,
so that an older event cannot bring it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.bindings import Binding, Bindings, Place, RoleKey, namespace_place, workspace_place
from services.gateway.domain.caller import Caller, SubjectKey
from services.gateway.domain.rules import Role
from services.gateway.domain.shelf import ACCOUNTS, CLUSTER, DEVOPS, SOURCES, Area, Shelf, Thing

DISABLED = "Disabled"
EXPIRED_KEPT = timedelta(minutes=1)
"""Ended sessions are kept this much longer than their tokens live, for clocks that differ."""
SWEEP_EVERY = 256
OWNERS: Mapping[str, str] = {
    "global": ACCOUNTS,
    "workspace": ACCOUNTS,
    "namespace": CLUSTER,
    "cluster": CLUSTER,
    "devops": DEVOPS,
}
"""Kind of place -> the source that tells of roles and bindings there."""


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


class Index:
    """The read model. Whoever changes it asks `newer` first."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.workspaces: dict[str, Place] = {}
        """Those that stand, each with the place of its bindings."""
        self.ended: dict[str, datetime] = {}
        self.shelves = {source: Shelf() for source in SOURCES}
        self.closed: frozenset[str] = frozenset()
        """Sources on which no decision may rest now; set by whoever asks for one."""

    @property
    def bindings(self) -> Bindings:
        """Accounts' own."""
        return self.shelves[ACCOUNTS].bindings

    @property
    def namespaces(self) -> dict[str, Area]:
        """Those that stand, as the cluster tells."""
        return self.shelves[CLUSTER].areas

    @property
    def devops(self) -> dict[str, Area]:
        """DevOps projects that stand."""
        return self.shelves[DEVOPS].areas

    def newer(self, thing: Thing, version: int) -> bool:
        """Whether this version of a thing of accounts' is to be taken in; notes it if so."""
        return self.shelves[ACCOUNTS].newer(thing, version)

    def gone(self, thing: Thing, version: int) -> bool:
        """As `newer`, for a removal."""
        return self.shelves[ACCOUNTS].gone(thing, version)

    def adopt(self, other: Index, source: str) -> None:
        """Take over what a snapshot of this source has filled the other index with; the rest stays as it is."""
        self.shelves[source] = other.shelves[source]
        if source == ACCOUNTS:
            self.users, self.workspaces, self.ended = other.users, other.workspaces, other.ended

    def held(self, subjects: Iterable[SubjectKey]) -> list[dict[Place, dict[str, RoleKey]]]:
        """What each of these subjects holds, by place, of all sources. Not to be changed."""
        subjects = tuple(subjects)
        return [held for shelf in self.shelves.values() for held in shelf.bindings.of(subjects)]

    def believed(self, source: str) -> bool:
        """Whether decisions may rest on what the source has told."""
        return source not in self.closed

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
        self.shelves[ACCOUNTS].roles[key] = role

    def drop_role(self, key: RoleKey) -> None:
        """Forget a role; bindings to it grant nothing any more."""
        self.shelves[ACCOUNTS].roles.pop(key, None)

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
        role = self.shelves[OWNERS[place.kind]].roles.get(key)
        if role is None or not role.workspace or (role.workspace == place.name and place.kind == "workspace"):
            return role
        return None

    def owner(self, asked: Attributes) -> str:
        """The workspace whose bindings count: that of the namespace or project, as far as its source is believed, else
        the path's.
        """
        if asked.scope in (Scope.NAMESPACE, Scope.DEVOPS):
            area = self.area(asked)
            return area.workspace if area else ""
        return asked.workspace if asked.scope is Scope.WORKSPACE else ""

    def area(self, asked: Attributes) -> Area | None:
        """The namespace or DevOps project that the request lies in, if it stands."""
        if asked.scope is Scope.NAMESPACE:
            return self.namespaces.get(asked.namespace) if self.believed(CLUSTER) else None
        if asked.scope is Scope.DEVOPS:
            return self.devops.get(asked.devops) if self.believed(DEVOPS) else None
        return None

    def belongs(self, caller: Caller, workspace: str) -> bool:
        """Whether the caller is bound in this workspace, which stands, to a role that stands."""
        place = self.workspaces.get(workspace)
        return place is not None and any(
            self.role(key, place) is not None
            for held in self.bindings.of(caller.subjects)
            for key in held.get(place, {}).values()
        )

    def joined(self, caller: Caller, namespace: str) -> bool:
        """Whether the caller is bound in this namespace, which stands."""
        if not self.believed(CLUSTER) or namespace not in self.namespaces:
            return False
        return self.shelves[CLUSTER].bindings.binds(caller.subjects, namespace_place(namespace))
