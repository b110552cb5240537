"""The cluster, as far as this service writes to it; `Api` is what it needs of the kit's client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from libs.shared.errors import Conflict, Exists, Missing, Stale
from services.cluster.domain import member, project
from services.cluster.domain.resource import (
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    JsonObject,
    metadata,
    name,
    namespace,
    uid,
)
from services.cluster.domain.shelf import Shelf


class Api(Protocol):
    """Kubernetes' API with plain JSON; faults are of our tree."""

    async def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """One object; raises `Missing`."""
        ...

    async def create(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it was made; raises `Exists`."""
        ...

    async def replace(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it is now; raises `Stale`."""
        ...

    async def patch(self, path: str, body: Any, /, kind: str = "merge", **query: Any) -> dict[str, Any]:
        """The object as it is now."""
        ...

    async def delete(self, path: str, /, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """The object that is going, or a Status."""
        ...

    def pages(self, path: str, /, limit: int = 500, **query: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Every item of a list."""
        ...

    def watch(self, path: str, /, **query: Any) -> AsyncGenerator[Any, None]:
        """What stands, SYNCED, then each change, for ever."""
        ...


async def create_role(api: Api, role: Mapping[str, Any]) -> JsonObject:
    """Make a Role; raises `Exists`."""
    return await api.create(ROLES.path(namespace(role)), role)


async def replace_role(api: Api, role: Mapping[str, Any]) -> JsonObject:
    """Change a Role; raises `Stale` when it was changed since it was read."""
    return await api.replace(ROLES.path(namespace(role), name(role)), role)


async def bind(api: Api, binding: Mapping[str, Any]) -> JsonObject:
    """Make a RoleBinding, or find it standing; raises `Exists` when one of its name binds something else."""
    path = ROLE_BINDINGS.path(namespace(binding))
    try:
        return await api.create(path, binding)
    except Exists:
        standing = await api.get(f"{path}/{name(binding)}")
        if not project.same_binding(standing, binding):
            raise
        return standing


async def rebind(api: Api, shelf: Shelf, standing: JsonObject, wanted: Mapping[str, Any]) -> JsonObject:
    """Make a RoleBinding in place of the one of its name: what a binding binds cannot be changed."""
    await unbind(api, shelf, standing)
    return await api.create(ROLE_BINDINGS.path(namespace(wanted)), wanted)


async def unbind(api: Api, shelf: Shelf, binding: JsonObject) -> None:
    """Remove a RoleBinding as it was read; one that is gone already is passed over. Raises `Stale` when it was changed
    since: somebody else may be bound by it now.
    """
    options = {"preconditions": {"uid": uid(binding), "resourceVersion": metadata(binding).get("resourceVersion")}}
    try:
        await api.delete(ROLE_BINDINGS.path(namespace(binding), name(binding)), options)
    except Missing:
        pass
    except Conflict as fault:
        raise Stale(fault.slug, fault.text) from fault
    shelf.removed(ROLE_BINDINGS.plural, binding)


async def release(api: Api, shelf: Shelf, binding: JsonObject, user: str) -> None:
    """Take a user out of a RoleBinding, and remove it when it was his alone. Raises `Stale`."""
    left = member.without(binding, user)
    if left is None:
        await unbind(api, shelf, binding)
    else:
        path = ROLE_BINDINGS.path(namespace(binding), name(binding))
        shelf.take(ROLE_BINDINGS.plural, await api.replace(path, left))


async def mark_project(api: Api, called: str) -> JsonObject:
    """Label a namespace with its own name, as every project is."""
    return await api.patch(NAMESPACES.path("", called), {"metadata": {"labels": {project.PROJECT: called}}})


async def orphan_project(api: Api, called: str) -> JsonObject:
    """Have a namespace belong to no workspace."""
    return await api.patch(NAMESPACES.path("", called), {"metadata": {"labels": {project.WORKSPACE: None}}})


async def delete_project(api: Api, called: str) -> None:
    """Delete a namespace; one that is gone already is passed over."""
    try:
        await api.delete(NAMESPACES.path("", called))
    except Missing:
        return
