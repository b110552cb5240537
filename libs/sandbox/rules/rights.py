"""Rules of RBAC's objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw

Body = dict[str, Any]
_SUBJECTS: Final = ("Group", "ServiceAccount", "User")


def cluster_role(body: Body) -> Iterator[Flaw]:
    """ClusterRole."""
    for place, rule in enumerate(body.get("rules") or []):
        if not rule.get("verbs"):
            yield required(f"rules[{place}].verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            continue
        if not rule.get("apiGroups"):
            yield required(f"rules[{place}].apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"rules[{place}].resources", "resource rules must supply at least one resource")


def role(body: Body) -> Iterator[Flaw]:
    """Role: the same, and no bare paths."""
    yield from cluster_role(body)
    for place, rule in enumerate(body.get("rules") or []):
        if urls := rule.get("nonResourceURLs"):
            yield wrong(f"rules[{place}].nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")


def role_binding(body: Body) -> Iterator[Flaw]:
    """RoleBinding."""
    yield from _binding(body, ("ClusterRole", "Role"))


def cluster_role_binding(body: Body) -> Iterator[Flaw]:
    """ClusterRoleBinding: of ClusterRoles alone."""
    yield from _binding(body, ("ClusterRole",))


def _binding(body: Body, kinds: tuple[str, ...]) -> Iterator[Flaw]:
    about = body.get("roleRef") or {}
    if not about.get("name"):
        yield required("roleRef.name")
    if (kind := about.get("kind") or "") not in kinds:
        yield unsupported("roleRef.kind", kind, kinds)
    for place, subject in enumerate(body.get("subjects") or []):
        if not subject.get("name"):
            yield required(f"subjects[{place}].name")
        if (kind := subject.get("kind") or "") not in _SUBJECTS:
            yield unsupported(f"subjects[{place}].kind", kind, _SUBJECTS)
        elif kind == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{place}].namespace")
