"""Who may do what: the whole algorithm of iam-gateway 3.2, on the index, with its hole closed.

Bindings are visited in the order global, workspace, namespace or DevOps, cluster; the first that allows ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from libs.shared.errors import Busy
from services.gateway.domain import policy, shelf
from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.bindings import CLUSTER, GLOBAL, Place, RoleKey, devops_place, namespace_place
from services.gateway.domain.caller import Caller
from services.gateway.domain.rules import Role, Rule

if TYPE_CHECKING:
    from services.gateway.domain.index import Index

OPEN_PREFIXES = ("/oauth/", "/kapis/config.kubesphere.io/")
NOTHING: Mapping[str, RoleKey] = {}
NEEDED: Mapping[Scope, str] = {Scope.NAMESPACE: shelf.CLUSTER, Scope.DEVOPS: shelf.DEVOPS}
"""Scope -> the source without which a refusal there would be a guess."""
OPEN_PATHS = frozenset({"/kapis/version", "/kapis/metrics", "/healthz"})


def open_to_all(path: str) -> bool:
    """The always-allowed paths of 3.2. `/version` is not one, nor is `/kapis/clusters/<host>/version`."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def allowed(index: Index, caller: Caller, asked: Attributes) -> bool:
    """Whether the caller's roles allow the request; nothing but the index is asked. Default deny.

    Raises `Busy` where only a source could allow it that isn't believed now.
    """
    held = index.held(caller.subjects)
    for place in places(index, asked):
        for bound in held:
            for key in bound.get(place, NOTHING).values():
                role = index.role(key, place)
                if role is not None and _allows(index, role, caller, asked):
                    return True
    require_believed(index, asked.scope)
    return False


def require_believed(index: Index, scope: Scope) -> None:
    """Return while what tells of such places is believed; raises `Busy`."""
    source = NEEDED.get(scope)
    if source is not None and not index.believed(source):
        text = f"what {source} knows of roles and places is not up to date at the gateway; try again"
        raise Busy("index-stale", text, retry_after=1)


def roles_at(index: Index, caller: Caller, where: tuple[Place, ...]) -> Iterator[Role]:
    """The roles that the caller holds at these places, in order; a binding to a missing role contributes nothing."""
    held = index.held(caller.subjects)
    for place in where:
        for bound in held:
            for key in bound.get(place, NOTHING).values():
                role = index.role(key, place)
                if role is not None:
                    yield role


def rules_at(index: Index, caller: Caller, asked: Attributes) -> tuple[tuple[Rule, ...], bool]:
    """The rules that count for the caller where the request lies, and whether a policy says more than they do. Raises
    `Busy` where what lies there isn't believed.
    """
    require_believed(index, asked.scope)
    roles = tuple(roles_at(index, caller, places(index, asked)))
    rules = {rule: None for role in roles for rule in role.rules}
    return tuple(rules), any(role.policy for role in roles)


def places(index: Index, asked: Attributes) -> tuple[Place, ...]:
    """Where bindings count for this request. A namespace without a known workspace has no workspace bindings: the
    original takes those of every workspace there. One that doesn't stand has none at all.
    """
    if asked.scope is Scope.GLOBAL:
        return (GLOBAL,)
    found = [GLOBAL]
    workspace = index.workspaces.get(index.owner(asked))
    if workspace is not None:
        found.append(workspace)
    area = index.area(asked)
    if area is not None:
        found.append(namespace_place(area.home) if asked.scope is Scope.NAMESPACE else devops_place(area.home))
    if index.believed(shelf.CLUSTER):
        found.append(CLUSTER)
    return tuple(found)


def _allows(index: Index, role: Role, caller: Caller, asked: Attributes) -> bool:
    if not role.policy:
        return role.allows(asked)
    if policy.grants(index, caller, asked):
        return True
    return not policy.withholds(index, caller, asked) and role.allows(asked)
