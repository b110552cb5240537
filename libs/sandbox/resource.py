"""What kinds of object there are: a resource as data, and the catalogue that finds it by path, kind or id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from libs.shared.objects import names

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
ADMITTED = ("create",)
"""Verbs of what is only asked, never stored (SubjectAccessReview)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. `versions` are those that are served, the preferred one, in which it is kept, first."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True
    singular: str = ""
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    rule: Callable[[str], tuple[str, ...]] = names.subdomain
    """Why a name is refused; see `libs.shared.objects.names`."""
    custom: bool = False
    """Declared by a CustomResourceDefinition."""
    storage: str = ""
    """The id under which its objects are kept, where it shows those of another resource."""

    @property
    def id(self) -> str:
        """`pods`, `deployments.apps`: how everything in the sandbox names it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def store(self) -> str:
        """The id that `Objects` keeps it by."""
        return self.storage or self.id

    @property
    def api_version(self) -> str:
        """The one it is kept in."""
        return self.at(self.versions[0])

    @property
    def stored(self) -> bool:
        """Whether there are objects of it, and not only questions."""
        return "get" in self.verbs

    def at(self, version: str) -> str:
        """`apiVersion` of this version."""
        return f"{self.group}/{version}" if self.group else version


class Catalogue:
    """All resources; those of CustomResourceDefinitions come and go."""

    __slots__ = ("_by_id", "_by_kind", "_by_path", "changed")

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_id: dict[str, Resource] = {}
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self.changed = 0
        """Counts changes, so that what is built from the catalogue knows when it is old."""
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource) -> None:
        """Serve it from now on, in place of one with its id."""
        self.remove(resource.id)
        self._by_id[resource.id] = resource
        for version in resource.versions:
            self._by_path[resource.group, version, resource.plural] = resource
            self._by_kind[resource.at(version), resource.kind] = resource
        self.changed += 1

    def remove(self, identity: str) -> None:
        """Serve it no longer."""
        resource = self._by_id.pop(identity, None)
        if resource is None:
            return
        for version in resource.versions:
            self._by_path.pop((resource.group, version, resource.plural), None)
            self._by_kind.pop((resource.at(version), resource.kind), None)
        self.changed += 1

    def by_id(self, identity: str) -> Resource | None:
        """The resource called so: `deployments.apps`."""
        return self._by_id.get(identity)

    def by_path(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource that a path names."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource that an object's `apiVersion` and `kind` name."""
        return self._by_kind.get((api_version, kind))

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Group -> its versions, the core group (`""`) first."""
        found: dict[str, dict[str, None]] = {}
        for resource in self:
            found.setdefault(resource.group, {}).update(dict.fromkeys(resource.versions))
        return {group: tuple(found[group]) for group in sorted(found, key=lambda group: (group != "", group))}

    def __iter__(self) -> Iterator[Resource]:
        return iter(sorted(self._by_id.values(), key=lambda resource: (resource.group, resource.plural)))
