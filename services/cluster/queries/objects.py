"""Objects of the cluster: from memory where they are held, else from the cluster."""

from __future__ import annotations

from contextlib import aclosing

from libs.shared.errors import Missing, TooLarge
from services.cluster.clients.kube import Api
from services.cluster.domain.held import held
from services.cluster.domain.project import workspace_of
from services.cluster.domain.resource import NAMESPACES, JsonObject, Resource
from services.cluster.domain.shelf import Key, Shelf

MOST = 20_000
"""Objects that one request reads from the cluster."""
LARGEST = 64 << 20
"""Bytes of them."""


async def objects(shelf: Shelf, api: Api, wanted: Resource, namespace: str = "") -> list[JsonObject]:
    """Those of a namespace, or (empty) all. Raises `Busy` when they have to be read and the cluster does not answer."""
    if wanted.kept and shelf.stands(wanted.plural):
        return shelf.all(wanted.plural, namespace)
    try:
        return await _read(api, wanted, namespace)
    except Missing:
        return []  # the cluster does not have this kind


async def count(shelf: Shelf, api: Api, wanted: Resource, namespace: str) -> int | None:
    """How many there are in a namespace; None where the cluster does not have this kind."""
    if wanted.kept:
        return len(await objects(shelf, api, wanted, namespace))
    try:
        return len(await _read(api, wanted, namespace))
    except Missing:
        return None


async def _read(api: Api, wanted: Resource, namespace: str) -> list[JsonObject]:
    """From the cluster. Raises `TooLarge` where that is more than one request may hold, `Missing` for no such kind."""
    found: list[JsonObject] = []
    size = 0
    async with aclosing(api.pages(wanted.path(namespace))) as pages:
        async for one in pages:
            packed = held(one)
            size += packed.size
            found.append(packed)
            if len(found) > MOST or size > LARGEST:
                raise TooLarge("list-too-large", f"there are too many {wanted.plural} to list: ask for a namespace")
    return found


async def one(shelf: Shelf, api: Api, wanted: Resource, namespace: str, name: str) -> JsonObject:
    """One object; raises as the kind's lookups do."""
    found = await look(shelf, api, wanted, namespace, name)
    if found is None:
        raise wanted.unknown(name)
    return found


async def look(shelf: Shelf, api: Api, wanted: Resource, namespace: str, name: str) -> JsonObject | None:
    """One object, or None. One that is not held is asked for: it may have been made a moment ago."""
    if wanted.kept and shelf.stands(wanted.plural):
        kept = shelf.get(Key(wanted.plural, namespace, name))
        if kept is not None:
            return kept
    try:
        return held(await api.get(wanted.path(namespace, name)))
    except Missing:
        return None


async def project(api: Api, workspace: str, name: str) -> JsonObject:
    """A project of this workspace as the cluster has it now; another workspace's is as missing as none."""
    try:
        found = await api.get(NAMESPACES.path("", name))
    except Missing:
        found = None
    if found is None or workspace_of(found) != workspace:
        raise Missing("project-missing", f'namespace "{name}" not found', resource="namespaces", name=name)
    return held(found)
