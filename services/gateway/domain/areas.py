"""The cluster's and devops' events -> the index: namespaces and projects, with their roles and bindings. One code for
both: what differs is where a role is looked up and where a binding counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from libs.shared.contracts import cluster_v1 as cluster
from libs.shared.contracts import devops_v1 as devops
from libs.shared.event import Event
from services.gateway.domain import shelf
from services.gateway.domain.bindings import CLUSTER, Binding, Place, RoleKey, devops_place, namespace_place
from services.gateway.domain.caller import SubjectKey, subject_keys
from services.gateway.domain.effect import EVERYBODY, NOTHING, Effect, concerning
from services.gateway.domain.index import Index
from services.gateway.domain.rules import Rule, compiled
from services.gateway.domain.shelf import Area, Thing

CLUSTER_ROLE = "ClusterRole"
ROLE = "Role"


@dataclass(frozen=True, slots=True)
class Told:
    """A source, and the place of what it tells of one project (of the cluster itself, for an empty name)."""

    source: str
    place: Callable[[str], Place]


def _in_cluster(project: str) -> Place:
    return namespace_place(project) if project else CLUSTER


BY_CLUSTER = Told(shelf.CLUSTER, _in_cluster)
BY_DEVOPS = Told(shelf.DEVOPS, devops_place)


def _area(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    known = index.shelves[by.source]
    if not known.newer(Thing("area", event.project), version):
        return NOTHING
    name, area = getattr(event, "namespace", "") or event.project, Area(event.workspace, event.project)
    before, known.areas[name] = known.areas.get(name), area
    return NOTHING if before == area else EVERYBODY


def _area_gone(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    known = index.shelves[by.source]
    if not known.gone(Thing("area", event.project), version):
        return NOTHING
    known.areas = {name: area for name, area in known.areas.items() if area.home != event.project}
    return EVERYBODY


def _role(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    known, key = index.shelves[by.source], _role_key(event)
    if not known.newer(Thing("role", key), version):
        return NOTHING
    rules = tuple(
        Rule.of(r.verbs, r.api_groups, r.resources, r.resource_names, r.non_resource_urls) for r in event.rules
    )
    before, known.roles[key] = known.roles.get(key), compiled(event.role, rules)
    return NOTHING if before is not None and before.rules == rules else EVERYBODY


def _role_gone(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    known, key = index.shelves[by.source], _role_key(event)
    if not known.gone(Thing("role", key), version):
        return NOTHING
    known.roles.pop(key, None)
    return EVERYBODY


def _bound(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    project = getattr(event, "project", "")
    known, place = index.shelves[by.source], by.place(project)
    if not known.newer(Thing("binding", (place, event.binding)), version):
        return NOTHING
    role = RoleKey(ROLE, event.role, project) if _of_project(event) else RoleKey(CLUSTER_ROLE, event.role)
    return concerning(known.bindings.put(Binding(event.binding, place, role, _subjects(event.subjects))))


def _unbound(by: Told, index: Index, event: Any, version: int, _at: datetime) -> Effect:
    known, place = index.shelves[by.source], by.place(getattr(event, "project", ""))
    if not known.gone(Thing("binding", (place, event.binding)), version):
        return NOTHING
    return concerning(known.bindings.drop(place, event.binding))


def _role_key(event: Any) -> RoleKey:
    """A role of a project, or of the whole cluster."""
    project = getattr(event, "project", "")
    return RoleKey(ROLE, event.role, project) if project else RoleKey(CLUSTER_ROLE, event.role)


def _of_project(event: Any) -> bool:
    return getattr(event, "role_kind", CLUSTER_ROLE) == ROLE


def _subjects(told: Iterable[Any]) -> frozenset[SubjectKey]:
    return subject_keys((s.kind, s.name, s.namespace) for s in told)


Change = Callable[[Index, Any, int, datetime], Effect]

CHANGES: Mapping[type[Event], Change] = {
    cluster.ProjectObserved: partial(_area, BY_CLUSTER),
    cluster.ProjectGone: partial(_area_gone, BY_CLUSTER),
    cluster.ProjectRoleObserved: partial(_role, BY_CLUSTER),
    cluster.ProjectRoleGone: partial(_role_gone, BY_CLUSTER),
    cluster.ProjectRoleBound: partial(_bound, BY_CLUSTER),
    cluster.ProjectRoleUnbound: partial(_unbound, BY_CLUSTER),
    cluster.ClusterRoleObserved: partial(_role, BY_CLUSTER),
    cluster.ClusterRoleGone: partial(_role_gone, BY_CLUSTER),
    cluster.ClusterRoleBound: partial(_bound, BY_CLUSTER),
    cluster.ClusterRoleUnbound: partial(_unbound, BY_CLUSTER),
    devops.DevOpsProjectCreated: partial(_area, BY_DEVOPS),
    devops.DevOpsProjectChanged: partial(_area, BY_DEVOPS),
    devops.DevOpsProjectDeleted: partial(_area_gone, BY_DEVOPS),
    devops.DevOpsRoleObserved: partial(_role, BY_DEVOPS),
    devops.DevOpsRoleGone: partial(_role_gone, BY_DEVOPS),
    devops.DevOpsRoleBound: partial(_bound, BY_DEVOPS),
    devops.DevOpsRoleUnbound: partial(_unbound, BY_DEVOPS),
}
