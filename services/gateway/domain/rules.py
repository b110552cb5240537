"""Roles, compiled: the PolicyRule of Kubernetes' rbac/v1, indexed by resource so that a look costs no scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.gateway.domain.attributes import Attributes

ANY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule. No `names` means every name."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        verbs: Iterable[str],
        groups: Iterable[str] = (),
        resources: Iterable[str] = (),
        names: Iterable[str] = (),
        urls: Iterable[str] = (),
    ) -> Rule:
        """A rule of plain sequences."""
        return cls(frozenset(verbs), frozenset(groups), frozenset(resources), frozenset(names), frozenset(urls))

    def allows_verb(self, verb: str) -> bool:
        """A resource verb, or the upper-case method of a non-resource request."""
        return verb in self.verbs or ANY in self.verbs

    def covers(self, verb: str, group: str, name: str) -> bool:
        """Verb, group and name at once; whether the resource is meant is the caller's look-up."""
        return (
            (verb in self.verbs or ANY in self.verbs)
            and (group in self.groups or ANY in self.groups)
            and (not self.names or name in self.names)
        )

    def covers_path(self, path: str) -> bool:
        """A non-resource URL: equal, `*`, or a prefix that ends in `*`."""
        return any(url == path or (url.endswith(ANY) and path.startswith(url[:-1])) for url in self.urls)


@dataclass(frozen=True, slots=True)
class Role:
    """A role's rules, looked up by resource. `workspace` is empty for a role of the platform or a shared one; `policy`
    names the native policy that it carries besides its rules.
    """

    name: str
    workspace: str = ""
    policy: str = ""
    rules: tuple[Rule, ...] = ()
    by_resource: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    by_path: tuple[Rule, ...] = ()

    def allows(self, asked: Attributes) -> bool:
        """Whether one of its rules allows the request."""
        if not asked.resource_request:
            return any(rule.allows_verb(asked.verb) and rule.covers_path(asked.path) for rule in self.by_path)
        for key in asked.keys:
            for rule in self.by_resource.get(key, ()):
                if rule.covers(asked.verb, asked.group, asked.name):
                    return True
        return False


def compiled(name: str, rules: Sequence[Rule], *, workspace: str = "", policy: str = "") -> Role:
    """A role ready to be asked."""
    table: dict[str, list[Rule]] = {}
    for rule in rules:
        for resource in rule.resources:
            table.setdefault(resource, []).append(rule)
    return Role(
        name=name,
        workspace=workspace,
        policy=policy,
        rules=tuple(rules),
        by_resource={resource: tuple(found) for resource, found in table.items()},
        by_path=tuple(rule for rule in rules if rule.urls),
    )
