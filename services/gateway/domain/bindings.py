"""Bindings by subject and place, so that a decision looks at what binds this caller here and at nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.gateway.domain.caller import SubjectKey


class Place(NamedTuple):
    """Where a binding counts: `global`, `workspace`, `namespace`, `devops` or `cluster`, and which one."""

    kind: str
    name: str = ""


GLOBAL = Place("global")
CLUSTER = Place("cluster")


def workspace_place(name: str) -> Place:
    """The place of a workspace's bindings."""
    return Place("workspace", name)


def namespace_place(name: str) -> Place:
    """The place of a namespace's RoleBindings."""
    return Place("namespace", name)


def devops_place(name: str) -> Place:
    """The place of a DevOps project's bindings: its own documents, which no RoleBinding of a cluster can add to."""
    return Place("devops", name)


class RoleKey(NamedTuple):
    """Which role: its kind decides where it is looked up, `namespace` is that (or the project) of a Role."""

    kind: str
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A role bound to subjects at a place."""

    name: str
    place: Place
    role: RoleKey
    subjects: frozenset[SubjectKey]


class Bindings:
    """All bindings; changing one touches its own subjects only."""

    def __init__(self) -> None:
        self._bindings: dict[tuple[Place, str], Binding] = {}
        self._held: dict[SubjectKey, dict[Place, dict[str, RoleKey]]] = {}

    def __len__(self) -> int:
        return len(self._bindings)

    def put(self, binding: Binding) -> frozenset[SubjectKey]:
        """Add or replace one; returns whom the change concerns."""
        concerned = self.drop(binding.place, binding.name) | binding.subjects
        self._bindings[binding.place, binding.name] = binding
        for subject in binding.subjects:
            held = self._held.setdefault(subject, {}).setdefault(binding.place, {})
            held[binding.name] = binding.role
        return concerned

    def drop(self, place: Place, name: str) -> frozenset[SubjectKey]:
        """Remove one if it stands; returns whom the change concerns."""
        binding = self._bindings.pop((place, name), None)
        if binding is None:
            return frozenset()
        for subject in binding.subjects:
            self._release(subject, place, name)
        return binding.subjects

    def _release(self, subject: SubjectKey, place: Place, name: str) -> None:
        held = self._held[subject]
        del held[place][name]
        if not held[place]:
            del held[place]
        if not held:
            del self._held[subject]

    def get(self, place: Place, name: str) -> Binding | None:
        """The binding of this name at this place, if it stands."""
        return self._bindings.get((place, name))

    def of(self, subjects: Iterable[SubjectKey]) -> list[dict[Place, dict[str, RoleKey]]]:
        """What each of these subjects holds, by place; subjects that hold nothing are left out. Not to be changed."""
        held = self._held
        return [held[subject] for subject in subjects if subject in held]

    def binds(self, subjects: Iterable[SubjectKey], place: Place) -> bool:
        """Whether one of the subjects holds any role at this place."""
        return any(place in self._held.get(subject, ()) for subject in subjects)

    def places(self, subjects: Iterable[SubjectKey], kind: str) -> Iterator[str]:
        """The names of the places of this kind where one of the subjects holds a role, each once, in order."""
        found = {place.name for subject in subjects for place in self._held.get(subject, ()) if place.kind == kind}
        return iter(sorted(found))
