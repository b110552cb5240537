"""Writes by which one could give away what one has not: roles and bindings of a cluster, and whose a namespace is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from services.gateway.domain import shelf
from services.gateway.domain.attributes import KUBERNETES, Attributes, Scope, resource_keys
from services.gateway.domain.bindings import CLUSTER, Binding, RoleKey, namespace_place
from services.gateway.domain.caller import SubjectKey, subject_keys
from services.gateway.domain.index import Index
from services.gateway.domain.rules import ANY, Rule

RBAC: Final = "rbac.authorization.k8s.io"
BINDINGS: Final = frozenset({"rolebindings", "clusterrolebindings"})
ROLES: Final = frozenset({"roles", "clusterroles"})
NAMESPACES: Final = "namespaces"
WORKSPACE: Final = "kubesphere.io/workspace"
WRITES: Final = frozenset({"create", "update", "patch"})
REFERRED: Final[Mapping[str, str]] = {"Role": "roles", "ClusterRole": "clusterroles"}
EVERYTHING: Final = (Rule.of((ANY,), (ANY,), (ANY,)), Rule.of((ANY,), urls=(ANY,)))


def of_rights(asked: Attributes) -> bool:
    """Whether the request is about a role or binding of a cluster."""
    return asked.prefix in KUBERNETES and asked.group == RBAC and asked.resource in ROLES | BINDINGS


def of_namespace(asked: Attributes) -> bool:
    """Whether the request is about a namespace itself, whichever of its parts it writes: all of them take labels."""
    return asked.prefix in KUBERNETES and not asked.group and asked.resource == NAMESPACES


def guarded(asked: Attributes) -> bool:
    """Whether what the request would leave is looked at before it is written."""
    return asked.verb in WRITES and (of_rights(asked) or of_namespace(asked))


@dataclass(frozen=True, slots=True)
class Reference:
    """The role that a binding gives."""

    resource: str
    name: str
    namespace: str

    @property
    def path(self) -> str:
        """Where the cluster serves it."""
        place = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/apis/{RBAC}/v1{place}/{self.resource}/{self.name}"


def referred(binding: Mapping[str, Any]) -> Reference | None:
    """The role that a binding names; None for what no cluster knows as one."""
    role = binding.get("roleRef") or {}
    resource, name = REFERRED.get(str(role.get("kind"))), str(role.get("name") or "")
    if resource is None or not name or role.get("apiGroup") != RBAC:
        return None
    namespace = binding["metadata"].get("namespace", "") if resource == "roles" else ""
    return Reference(resource, name, namespace)


def given(role: Mapping[str, Any]) -> tuple[Rule, ...]:
    """What a role gives. One that gathers the rules of others may give everything: which they are is decided later."""
    own = rules_of(role)
    return (*own, *EVERYTHING) if role.get("aggregationRule") else own


def rules_of(role: Mapping[str, Any]) -> tuple[Rule, ...]:
    """A role's own rules, of Kubernetes' names."""
    return tuple(_rule(found) for found in role.get("rules") or ())


def _rule(found: Mapping[str, Any]) -> Rule:
    return Rule.of(*(_texts(found.get(name)) for name in FIELDS))


FIELDS: Final = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def _texts(found: Any) -> Sequence[str]:
    return found or ()


def without_check(asked: Attributes, reference: Reference | None) -> Attributes:
    """What lets one write this without holding it, as Kubernetes has it: `escalate` a role, `bind` to one."""
    if reference is None:
        return replace(asked, verb="escalate")
    return replace(
        asked,
        verb="bind",
        resource=reference.resource,
        name=reference.name,
        subresource="",
        keys=resource_keys(reference.resource, ""),
    )


def workspace_of(namespace: Mapping[str, Any]) -> str:
    """The workspace that a namespace's label names; empty for none."""
    return str((namespace["metadata"].get("labels") or {}).get(WORKSPACE) or "")


def known(asked: Attributes, left: Mapping[str, Any] | None) -> Callable[[Index], bool]:
    """Whether the index says what stands after a write: the object that it left, or that there is none (None)."""
    name = asked.name if left is None else str(left["metadata"].get("name"))
    if of_namespace(asked):
        workspace = None if left is None else workspace_of(left)
        return lambda index: (area := index.namespaces.get(name)) is not None and area.workspace == workspace
    if asked.resource in ROLES:
        key = RoleKey("Role", name, asked.namespace) if asked.namespace else RoleKey("ClusterRole", name)
        rules = None if left is None else rules_of(left)
        return lambda index: _rules(index, key) == rules
    place = namespace_place(asked.namespace) if asked.namespace else CLUSTER
    bound = None if left is None else _bound(left)
    return lambda index: _told(index.shelves[shelf.CLUSTER].bindings.get(place, name)) == bound


def _rules(index: Index, key: RoleKey) -> tuple[Rule, ...] | None:
    role = index.shelves[shelf.CLUSTER].roles.get(key)
    return None if role is None else role.rules


def _told(binding: Binding | None) -> tuple[str, frozenset[SubjectKey]] | None:
    return None if binding is None else (binding.role.name, binding.subjects)


def _bound(binding: Mapping[str, Any]) -> tuple[str, frozenset[SubjectKey]]:
    """A binding's role and subjects, as the index keeps them."""
    subjects = [
        (str(s.get("kind")), str(s.get("name")), s.get("namespace") or "") for s in binding.get("subjects") or ()
    ]
    return str((binding.get("roleRef") or {}).get("name")), subject_keys(subjects)


def in_workspace(verb: str, workspace: str) -> Attributes:
    """Making or removing a project of this workspace; of none, which is a matter of the whole cluster."""
    return Attributes(
        verb=verb,
        path="",
        prefix="api",
        workspace=workspace,
        resource=NAMESPACES,
        scope=Scope.WORKSPACE if workspace else Scope.CLUSTER,
        resource_request=True,
        kubernetes_request=True,
        keys=resource_keys(NAMESPACES, ""),
    )
