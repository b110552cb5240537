"""What is observed of a cluster, as facts: each is kept as the event that says how one thing stands, and told when that
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from libs.shared.contracts import cluster_v1 as told
from libs.shared.event import Event
from libs.shared.store.protocol import Document
from services.cluster.domain import resource
from services.cluster.domain.project import CREATOR, WORKSPACE
from services.cluster.domain.resource import JsonObject
from services.cluster.domain.shelf import Key

ACTIVE = "Active"


class Fact(Document):
    """One namespace, role or binding as it was told last. `uid` and `revision` are the cluster's own, of the object."""

    COLLECTION: ClassVar[str] = "facts"

    name: str
    event: str
    data: str
    revision: int
    uid: str = ""
    workspace: str = ""

    def present(self) -> Event:
        """The event that says how it stands."""
        return EVENTS[self.event].model_validate_json(self.data)


@dataclass(frozen=True, slots=True)
class Observed:
    """How something stands in the cluster now; without an event it is gone."""

    key: Key
    event: Event | None
    uid: str = ""
    revision: int = 0

    def older(self, fact: Fact) -> bool:
        """Whether what is noted was observed later than this, of the same object."""
        return self.uid == fact.uid and self.revision < fact.revision


EVENTS: Mapping[str, type[Event]] = {event.__name__: event for event in told.EVENTS}


def fact_name(key: Key) -> str:
    """A fact's key in the store."""
    return f"{key.plural}/{key.namespace}/{key.name}"


def key_of(fact: Fact) -> Key:
    """What a fact is about."""
    plural, namespace, name = fact.name.split("/", 2)
    return Key(plural, namespace, name)


def subject(key: Key) -> str:
    """A project's roles and bindings are told under the project, so that they stay in one order with it."""
    if key.plural == resource.NAMESPACES.plural:
        return f"projects/{key.name}"
    return f"projects/{key.namespace}" if key.namespace else f"{key.plural}/{key.name}"


def observed(key: Key, found: JsonObject | None) -> Observed:
    """How an object stands, in the words of our events."""
    if found is None:
        return Observed(key, None)
    return Observed(key, PRESENT[key.plural](key, found), resource.uid(found), resource.revision(found))


def noted(seen: Observed, workspace: str) -> Fact:
    """The fact of something that stands."""
    event = seen.event or Event()
    data = orjson.dumps(event.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()
    return Fact(
        name=fact_name(seen.key),
        event=type(event).__name__,
        data=data,
        revision=seen.revision,
        uid=seen.uid,
        workspace=workspace,
    )


def gone(fact: Fact) -> Event:
    """The event that says that it is no more."""
    key = key_of(fact)
    return GONE[key.plural](key, fact.present())


def _namespace(_key: Key, found: JsonObject) -> Event:
    return told.ProjectObserved(
        project=resource.name(found),
        uid=str(resource.metadata(found).get("uid", "")),
        workspace=resource.labels(found).get(WORKSPACE, ""),
        creator=resource.notes(found).get(CREATOR, ""),
        phase=str((found.get("status") or {}).get("phase") or ACTIVE),
    )


def _role(key: Key, found: JsonObject) -> Event:
    return told.ProjectRoleObserved(project=key.namespace, role=key.name, rules=rules(found))


def _binding(key: Key, found: JsonObject) -> Event:
    ref = found.get("roleRef") or {}
    return told.ProjectRoleBound(
        project=key.namespace,
        binding=key.name,
        role_kind=str(ref.get("kind", "")),
        role=str(ref.get("name", "")),
        subjects=subjects(found),
    )


def _cluster_role(key: Key, found: JsonObject) -> Event:
    return told.ClusterRoleObserved(role=key.name, rules=rules(found))


def _cluster_binding(key: Key, found: JsonObject) -> Event:
    role = str((found.get("roleRef") or {}).get("name", ""))
    return told.ClusterRoleBound(binding=key.name, role=role, subjects=subjects(found))


def rules(found: JsonObject) -> tuple[told.Rule, ...]:
    """A role's rules."""
    return tuple(
        told.Rule(
            verbs=tuple(rule.get("verbs") or ()),
            api_groups=tuple(rule.get("apiGroups") or ()),
            resources=tuple(rule.get("resources") or ()),
            resource_names=tuple(rule.get("resourceNames") or ()),
            non_resource_urls=tuple(rule.get("nonResourceURLs") or ()),
        )
        for rule in found.get("rules") or ()
    )


def subjects(found: JsonObject) -> tuple[told.Subject, ...]:
    """Whom a binding binds."""
    return tuple(
        told.Subject(
            kind=str(one.get("kind", "")), name=str(one.get("name", "")), namespace=str(one.get("namespace") or "")
        )
        for one in found.get("subjects") or ()
    )


def _namespace_gone(key: Key, last: Any) -> Event:
    return told.ProjectGone(project=key.name, uid=last.uid, workspace=last.workspace)


PRESENT: Mapping[str, Callable[[Key, JsonObject], Event]] = {
    "namespaces": _namespace,
    "roles": _role,
    "rolebindings": _binding,
    "clusterroles": _cluster_role,
    "clusterrolebindings": _cluster_binding,
}
GONE: Mapping[str, Callable[[Key, Any], Event]] = {
    "namespaces": _namespace_gone,
    "roles": lambda key, _: told.ProjectRoleGone(project=key.namespace, role=key.name),
    "rolebindings": lambda key, _: told.ProjectRoleUnbound(project=key.namespace, binding=key.name),
    "clusterroles": lambda key, _: told.ClusterRoleGone(role=key.name),
    "clusterrolebindings": lambda key, _: told.ClusterRoleUnbound(binding=key.name),
}
