"""Who may do what: the whole algorithm of iam-gateway 3.2, on the index, with its hole closed.

Bindings are visited in the order global, workspace, namespace or DevOps, cluster; the first that allows ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.gateway.domain import policy
from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.bindings import CLUSTER, GLOBAL, Place, namespace_place, workspace_place
from services.gateway.domain.caller import Caller
from services.gateway.domain.rules import Role

if TYPE_CHECKING:
    from services.gateway.domain.index import Index

OPEN_PREFIXES = ("/oauth/", "/kapis/config.kubesphere.io/")
OPEN_PATHS = frozenset({"/kapis/version", "/kapis/metrics", "/healthz"})


def open_to_all(path: str) -> bool:
    """The always-allowed paths of 3.2. `/version` is not one, nor is `/kapis/clusters/<host>/version`."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def allowed(index: Index, caller: Caller, asked: Attributes) -> bool:
    """Whether the caller's roles allow the request; nothing but the index is asked. Default deny."""
    return any(_allows(index, role, caller, asked) for role in roles_at(index, caller, places(index, asked)))


def roles_at(index: Index, caller: Caller, where: tuple[Place, ...]) -> Iterator[Role]:
    """The roles that the caller holds at these places, in order; a binding to a missing role contributes nothing."""
    for place in where:
        for subject in caller.subjects:
            for key in index.bindings.at(subject, place):
                role = index.role(key, place)
                if role is not None:
                    yield role


def places(index: Index, asked: Attributes) -> tuple[Place, ...]:
    """Where bindings count for this request. A namespace without a known workspace has no workspace bindings: the
    original takes those of every workspace there.
    """
    if asked.scope is Scope.GLOBAL:
        return (GLOBAL,)
    found = [GLOBAL]
    workspace = index.owner(asked)
    if workspace and workspace in index.workspaces:
        found.append(workspace_place(workspace))
    namespace = index.home(asked)
    if namespace:
        found.append(namespace_place(namespace))
    found.append(CLUSTER)
    return tuple(found)


def _allows(index: Index, role: Role, caller: Caller, asked: Attributes) -> bool:
    if not role.policy:
        return role.allows(asked)
    if policy.grants(index, caller, asked):
        return True
    return not policy.withholds(asked) and role.allows(asked)
