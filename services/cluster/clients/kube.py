"""The cluster, as far as this service writes to it; `Api` is what it needs of the kit's client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from libs.shared.errors import Exists, Missing
from services.cluster.domain import member, project
from services.cluster.domain.resource import NAMESPACES, ROLE_BINDINGS, ROLES, JsonObject, name, namespace


class Change(Protocol):
    """One step of a watch: SYNCED, ADDED, MODIFIED or DELETED, and the object."""

    @property
    def type(self) -> str:
        """What happened."""
        ...

    @property
    def object(self) -> dict[str, Any]:
        """To what."""
        ...


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

    def pages(self, path: str, /, limit: int = 500, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list."""
        ...

    def watch(self, path: str, /, **query: Any) -> AsyncIterator[Any]:
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


async def rebind(api: Api, binding: Mapping[str, Any]) -> JsonObject:
    """Make a RoleBinding in place of the one of this name: what a binding binds cannot be changed."""
    await unbind(api, binding)
    return await api.create(ROLE_BINDINGS.path(namespace(binding)), binding)


async def unbind(api: Api, binding: JsonObject) -> None:
    """Remove a RoleBinding; one that is gone already is passed over."""
    try:
        await api.delete(ROLE_BINDINGS.path(namespace(binding), name(binding)))
    except Missing:
        return


async def release(api: Api, binding: JsonObject, user: str) -> JsonObject | None:
    """Take a user out of a RoleBinding: what is left of it, None when it was his alone. Raises `Stale`."""
    left = member.without(binding, user)
    if left is None:
        await unbind(api, binding)
        return None
    return await api.replace(ROLE_BINDINGS.path(namespace(binding), name(binding)), left)


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
