"""What one source has told of roles, bindings and places: each source has its own, so that one's snapshot replaces
nothing of another's, and one that has fallen silent closes only what rests on it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from services.gateway.domain.bindings import Bindings, RoleKey
from services.gateway.domain.rules import Role

ACCOUNTS = "accounts"
CLUSTER = "cluster"
DEVOPS = "devops"
SOURCES = (ACCOUNTS, CLUSTER, DEVOPS)
"""Whoever tells who may do what; each is named as its service is."""
GONE_KEPT = 100_000
"""Removals that are remembered. An event that is older than one comes late by a snapshot's loading, or a second time;
so many removals later it has long been here.
"""


class Thing(NamedTuple):
    """One document of its owner: `kind` is user, role, binding, workspace or area."""

    kind: str
    key: Hashable


@dataclass(frozen=True, slots=True)
class Area:
    """A namespace or DevOps project: the workspace that owns it (empty for none), and the name its bindings go by."""

    workspace: str
    home: str


@dataclass(slots=True)
class Shelf:
    """Whoever changes it asks `newer` or `gone` first: each thing carries the version of its document."""

    bindings: Bindings = field(default_factory=Bindings)
    roles: dict[RoleKey, Role] = field(default_factory=dict)
    areas: dict[str, Area] = field(default_factory=dict)
    """Namespaces or DevOps projects, by the name that paths have."""
    versions: dict[Thing, int] = field(default_factory=dict)
    removals: dict[Thing, None] = field(default_factory=dict)
    """The latest ones, in their order."""

    def newer(self, thing: Thing, version: int) -> bool:
        """Whether this version of the thing is to be taken in; notes it if so. Two events of one write share a version,
        but nothing comes after a removal of the same version.
        """
        known = self.versions.get(thing, -1)
        if version < known or (version == known and thing in self.removals):
            return False
        self.versions[thing] = version
        self.removals.pop(thing, None)
        return True

    def gone(self, thing: Thing, version: int) -> bool:
        """As `newer`, for a removal."""
        if version < self.versions.get(thing, -1):
            return False
        self.versions[thing] = version
        self.removals.pop(thing, None)
        self.removals[thing] = None
        while len(self.removals) > GONE_KEPT:
            forgotten = next(iter(self.removals))
            del self.removals[forgotten], self.versions[forgotten]
        return True
