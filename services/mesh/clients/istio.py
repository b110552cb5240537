"""Istio's objects in the cluster; `Api` is what this service needs of the kit's client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from libs.shared.errors import Missing
from libs.shared.kube.watch import Change
from services.mesh.domain.component import JsonObject, Key
from services.mesh.domain.routing import ISTIO, replaced

PLURALS: Mapping[str, str] = {"DestinationRule": "destinationrules", "VirtualService": "virtualservices"}
PATHS: Mapping[str, str] = {
    "services": "/api/v1/services",
    "deployments": "/apis/apps/v1/deployments",
    "destinationrules": f"/apis/{ISTIO}/destinationrules",
    "virtualservices": f"/apis/{ISTIO}/virtualservices",
}


class Api(Protocol):
    """Kubernetes' API with plain JSON; faults are of our tree."""

    async def create(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it was made; raises `Exists`."""
        ...

    async def replace(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it is now; raises `Stale`."""
        ...

    async def delete(self, path: str, /, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """The object that is going, or a Status."""
        ...

    def watch(self, path: str, /, **query: Any) -> AsyncGenerator[Change, None]:
        """What stands, SYNCED, then each change, for ever."""
        ...


def follow(api: Api, plural: str) -> AsyncGenerator[Change, None]:
    """What stands of a kind and what becomes of it; raises `Missing` where the cluster doesn't know it."""
    return api.watch(PATHS[plural])


async def write(api: Api, wanted: JsonObject, standing: JsonObject | None) -> JsonObject:
    """Make an object, or change it into what is wanted. Raises `Exists` and `Stale` when another did so first."""
    path = _collection(PLURALS[wanted["kind"]], wanted["metadata"]["namespace"])
    if standing is None:
        return await api.create(path, wanted)
    return await api.replace(f"{path}/{wanted['metadata']['name']}", replaced(standing, wanted))


async def remove(api: Api, plural: str, key: Key) -> None:
    """Remove an object; one that is gone already is passed over."""
    with suppress(Missing):
        await api.delete(f"{_collection(plural, key.namespace)}/{key.name}")


def _collection(plural: str, namespace: str) -> str:
    return f"/apis/{ISTIO}/namespaces/{namespace}/{plural}"
