"""Who may do what in the sandbox: Kubernetes' RBAC over Roles and bindings as plain objects.

Source: Kubernetes' RBAC documentation and the behaviour of its authorizer (rules only add; default is no).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from libs.sandbox.hooks import Attributes
from libs.shared.errors import Denied

Rule = Mapping[str, Any]
Look = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""The objects of a kind (`roles`, `clusterroles`, `rolebindings`, `clusterrolebindings`) in a namespace."""

RBAC = "rbac.authorization.k8s.io"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
_ALL = "*"
_ACCOUNT = "system:serviceaccount"
_BOUND: Final = {"rolebindings": "bind", "clusterrolebindings": "bind", "roles": "escalate", "clusterroles": "escalate"}
_GUARDED = frozenset(_BOUND)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user and the groups that go with it."""

    name: str
    groups: tuple[str, ...] = ()


class Authorizer:
    """Decides from the objects as they stand at the moment of asking."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def allows(self, caller: Caller, ask: Attributes) -> bool:
        """Whether any rule that reaches the caller allows it."""
        if MASTERS in caller.groups:
            return True
        return any(permits(rule, ask) for rule in self.rules(caller, ask.namespace))

    def rules(self, caller: Caller, namespace: str = "") -> list[Rule]:
        """All rules that hold for the caller in the namespace; cluster-wide ones alone where it is empty."""
        if MASTERS in caller.groups:
            return list(_EVERYTHING)
        cluster_roles = {role["metadata"]["name"]: role for role in self._look("clusterroles", "")}
        granted: list[Rule] = []
        for binding in self._look("clusterrolebindings", ""):
            if _reaches(binding, caller, ""):
                granted += rules_of(cluster_roles, binding.get("roleRef") or {})
        if namespace:
            granted += self._within(caller, namespace, cluster_roles)
        return granted

    def _within(self, caller: Caller, namespace: str, cluster_roles: Mapping[str, Mapping[str, Any]]) -> list[Rule]:
        bindings = [b for b in self._look("rolebindings", namespace) if _reaches(b, caller, namespace)]
        if not bindings:
            return []
        roles = {role["metadata"]["name"]: role for role in self._look("roles", namespace)}
        granted: list[Rule] = []
        for binding in bindings:
            ref = binding.get("roleRef") or {}
            granted += rules_of(cluster_roles if ref.get("kind") == "ClusterRole" else roles, ref)
        return granted

    def refuse_escalation(self, caller: Caller, resource: str, namespace: str, wanted: Mapping[str, Any]) -> None:
        """Nobody hands out more than he holds: raises `Denied` where the Role or binding that is to be written grants
        what the caller doesn't have, unless he may `escalate` (Roles) or `bind` (bindings).

        `resource` is the plural of what is written, `wanted` the object that would result.
        """
        if resource not in _GUARDED or MASTERS in caller.groups:
            return
        name = str((wanted.get("metadata") or {}).get("name", ""))
        own = self.rules(caller, namespace)
        ref = wanted.get("roleRef") or {}
        about = ref if resource.endswith("bindings") else {"kind": "", "name": name}
        plural = {"Role": "roles", "ClusterRole": "clusterroles"}.get(str(about.get("kind", "")), resource)
        ask = Attributes(_BOUND[resource], RBAC, resource=plural, namespace=namespace, name=str(about.get("name", "")))
        if any(permits(rule, ask) for rule in own):
            return
        lacking = uncovered(own, self._granted(resource, namespace, wanted))
        if lacking:
            text = (
                f'{resource}.{RBAC} "{name}" is forbidden: user "{caller.name}" is attempting to grant RBAC permissions'
            )
            raise Denied("rbac-escalation", f"{text} not currently held: {lacking[0]}", resource=resource, name=name)

    def _granted(self, resource: str, namespace: str, wanted: Mapping[str, Any]) -> Sequence[Rule]:
        if not resource.endswith("bindings"):
            return wanted.get("rules") or ()
        ref = wanted.get("roleRef") or {}
        kind = "clusterroles" if ref.get("kind") == "ClusterRole" else "roles"
        roles = self._look(kind, "" if kind == "clusterroles" else namespace)
        return rules_of({role["metadata"]["name"]: role for role in roles}, ref)


def rules_of(roles: Mapping[str, Mapping[str, Any]], ref: Mapping[str, Any]) -> list[Rule]:
    """The rules of the role that is referred to, with those of roles that it aggregates; none when it isn't there."""
    role = roles.get(str(ref.get("name", "")))
    if role is None:
        return []
    rules = list(role.get("rules") or ())
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        wanted = (selector.get("matchLabels") or {}).items()
        for other in roles.values():
            if other is not role and wanted and wanted <= (other["metadata"].get("labels") or {}).items():
                rules += other.get("rules") or ()
    return rules


def permits(rule: Rule, ask: Attributes) -> bool:
    """Whether this one rule allows what is asked."""
    if not _has(rule.get("verbs"), ask.verb):
        return False
    if not ask.resource:
        return any(_path_matches(pattern, ask.path) for pattern in rule.get("nonResourceURLs") or ())
    if not _has(rule.get("apiGroups"), ask.group):
        return False
    names = rule.get("resourceNames") or ()
    return _resource_matches(rule.get("resources") or (), ask) and (not names or ask.name in names)


def uncovered(own: Sequence[Rule], wanted: Iterable[Rule]) -> list[str]:
    """What of the wanted rules the own ones don't cover, in words, one per verb and resource or path."""
    lacking = []
    for rule in wanted:
        for verb, path in product(rule.get("verbs") or (), rule.get("nonResourceURLs") or ()):
            if not any(permits(mine, Attributes(verb, path=path)) for mine in own):
                lacking.append(f"{verb} {path}")
        parts = product(
            rule.get("verbs") or (),
            rule.get("apiGroups") or (),
            rule.get("resources") or (),
            rule.get("resourceNames") or ("",),
        )
        for verb, group, whole, name in parts:
            resource, _, subresource = whole.partition("/")
            ask = Attributes(verb, group, resource=resource, subresource=subresource, name=name)
            if not any(permits(mine, ask) for mine in own):
                lacking.append(f"{verb} {whole} in group {group!r}" + (f" named {name}" if name else ""))
    return lacking


def _has(listed: Any, value: str) -> bool:
    return bool(listed) and (value in listed or _ALL in listed)


def _resource_matches(resources: Iterable[str], ask: Attributes) -> bool:
    whole = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    return any(name in (_ALL, whole) or (ask.subresource and name == f"*/{ask.subresource}") for name in resources)


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith(_ALL) else pattern == path


def _reaches(binding: Mapping[str, Any], caller: Caller, namespace: str) -> bool:
    return any(_is(subject, caller, namespace) for subject in binding.get("subjects") or ())


def _is(subject: Mapping[str, Any], caller: Caller, namespace: str) -> bool:
    name = subject.get("name")
    match subject.get("kind"):
        case "User":
            return name == caller.name
        case "Group":
            return name in caller.groups
        case "ServiceAccount":
            return caller.name == f"{_ACCOUNT}:{subject.get('namespace') or namespace}:{name}"
    return False


def with_implied(caller: Caller) -> Caller:
    """The caller with the groups that a name brings along: those of service accounts, and who is signed in at all."""
    groups = list(caller.groups)
    if caller.name.startswith(f"{_ACCOUNT}:"):
        groups += [f"{_ACCOUNT}s", f"{_ACCOUNT}s:{caller.name.split(':')[2]}"]
    if caller.name != "system:anonymous":
        groups.append(AUTHENTICATED)
    return Caller(caller.name, tuple(dict.fromkeys(groups)))


_EVERYTHING: Sequence[Rule] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
