"""Objects of the cluster: from memory where they are held, else from the cluster."""

from __future__ import annotations

from libs.shared.errors import Busy, Missing, TooLarge
from services.cluster.clients.kube import Api
from services.cluster.domain.project import workspace_of
from services.cluster.domain.resource import NAMESPACES, JsonObject, Resource
from services.cluster.domain.shelf import Key, Shelf, slim

MOST = 20_000
"""Objects that one request reads from the cluster."""


async def objects(shelf: Shelf, api: Api, wanted: Resource, namespace: str = "") -> list[JsonObject]:
    """Those of a namespace, or (empty) all. Raises `Busy` while the cluster has not been listed yet."""
    if wanted.kept and shelf.stands(wanted.plural):
        return shelf.all(wanted.plural, namespace)
    if wanted.kept and not shelf.tried(wanted.plural):
        raise Busy("cluster-listing", f"the cluster's {wanted.plural} are being listed", retry_after=1)
    found: list[JsonObject] = []
    try:
        async for one in api.pages(wanted.path(namespace)):
            found.append(slim(one))
            if len(found) > MOST:
                raise TooLarge("list-too-large", f"there are more than {MOST} {wanted.plural}: ask for a namespace")
    except Missing:
        return []  # the cluster does not have this kind
    return found


async def one(shelf: Shelf, api: Api, wanted: Resource, namespace: str, name: str) -> JsonObject:
    """One object; raises as the kind's lookups do."""
    held = shelf.get(Key(wanted.plural, namespace, name)) if wanted.kept and shelf.stands(wanted.plural) else None
    if held is not None:
        return held
    try:
        return slim(await api.get(wanted.path(namespace, name)))
    except Missing:
        raise wanted.unknown(name) from None


async def project(api: Api, workspace: str, name: str) -> JsonObject:
    """A project of this workspace as the cluster has it now; another workspace's is as missing as none."""
    try:
        found = await api.get(NAMESPACES.path("", name))
    except Missing:
        found = None
    if found is None or workspace_of(found) != workspace:
        raise Missing("project-missing", f'namespace "{name}" not found', resource="namespaces", name=name)
    return slim(found)
