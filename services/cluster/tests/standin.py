"""A cluster in memory that keeps objects and tells what changes: the client's signature, without a server."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.shared.errors import Exists, Fault, Missing, Stale
from libs.shared.objects.patches import merge

MADE = "2026-03-01T10:00:00Z"
Object = dict[str, Any]


@dataclass
class Told:
    """One step of a watch."""

    type: str
    object: Object


@dataclass
class StandIn:
    """Objects by their path; `failing` is raised by the next calls, `calls` counts writes."""

    objects: dict[str, Object] = field(default_factory=dict)
    revision: int = 100
    failing: list[Fault] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    made: str = MADE
    _watching: list[tuple[str, asyncio.Queue[Told]]] = field(default_factory=list)

    async def get(self, path: str, /, **_query: Any) -> Object:
        if path not in self.objects:
            raise Missing("cluster-not-found", f'"{path.rpartition("/")[2]}" not found')
        return copy.deepcopy(self.objects[path])

    async def create(self, path: str, body: Mapping[str, Any], /, **_query: Any) -> Object:
        self._begin("create " + path)
        name = body["metadata"]["name"]
        where = f"{path}/{name}"
        if where in self.objects:
            plural = path.rpartition("/")[2]
            raise Exists("cluster-exists", f'{plural} "{name}" already exists', resource=plural, name=name)
        about = {"uid": f"uid-{self.revision}", "creationTimestamp": self.made, **body["metadata"]}
        made = {**copy.deepcopy(dict(body)), "metadata": about}
        if path == "/api/v1/namespaces":
            made |= {"spec": {}, "status": {"phase": "Active"}}
        return self._keep("ADDED", where, made)

    async def replace(self, path: str, body: Mapping[str, Any], /, **_query: Any) -> Object:
        self._begin("replace " + path)
        standing = await self.get(path)
        asked = body["metadata"].get("resourceVersion")
        if asked and asked != standing["metadata"]["resourceVersion"]:
            raise Stale("cluster-stale", "the object has been modified")
        kept = {key: standing["metadata"][key] for key in ("uid", "creationTimestamp")}
        return self._keep("MODIFIED", path, {**copy.deepcopy(dict(body)), "metadata": {**body["metadata"], **kept}})

    async def patch(self, path: str, body: Any, /, kind: str = "merge", **_query: Any) -> Object:
        self._begin("patch " + path)
        assert kind == "merge"
        return self._keep("MODIFIED", path, merge(await self.get(path), body))

    async def delete(self, path: str, /, body: Mapping[str, Any] | None = None, **_query: Any) -> Object:
        self._begin("delete " + path)
        del body
        found = await self.get(path)
        del self.objects[path]
        self.revision += 1
        found["metadata"]["resourceVersion"] = str(self.revision)
        self._tell("DELETED", path, found)
        for inner in [one for one in self.objects if f"{path.removeprefix('/api/v1')}/" in one]:
            await self.delete(inner)
        return found

    async def pages(self, path: str, /, limit: int = 500, **_query: Any) -> AsyncIterator[Object]:
        del limit
        for where, found in list(self.objects.items()):
            if _listed(path, where):
                yield copy.deepcopy(found)

    async def watch(self, path: str, /, **_query: Any) -> AsyncIterator[Told]:
        queue: asyncio.Queue[Told] = asyncio.Queue()
        entry = (path, queue)
        self._watching.append(entry)
        try:
            async for found in self.pages(path):
                yield Told("ADDED", found)
            yield Told("SYNCED", {})
            while True:
                yield await queue.get()
        finally:
            self._watching.remove(entry)

    def seed(self, path: str, found: Object) -> Object:
        """An object that stands already."""
        name, about = path.rpartition("/")[2], found.get("metadata", {})
        parts = path.split("/")
        if parts[-3:-2] != ["v1"] and "namespaces" in parts[:-2]:
            about = {"namespace": parts[parts.index("namespaces") + 1], **about}
        whole = {"uid": f"uid-{name}", "creationTimestamp": self.made, **about, "name": name}
        return self._keep("ADDED", path, {**found, "metadata": whole})

    def _begin(self, what: str) -> None:
        self.writes.append(what)
        if self.failing:
            raise self.failing.pop(0)

    def _keep(self, kind: str, path: str, found: Object) -> Object:
        self.revision += 1
        found = {**found, "metadata": {**found["metadata"], "resourceVersion": str(self.revision)}}
        self.objects[path] = found
        self._tell(kind, path, found)
        return copy.deepcopy(found)

    def _tell(self, kind: str, path: str, found: Object) -> None:
        for watched, queue in self._watching:
            if _listed(watched, path):
                queue.put_nowait(Told(kind, copy.deepcopy(found)))


def _listed(path: str, where: str) -> bool:
    """Whether an object lies in this list, of one namespace or of all."""
    collection = where.rpartition("/")[0]
    if collection == path:
        return True
    root, _, plural = path.rpartition("/")
    head, _, tail = collection.rpartition("/")
    return tail == plural and head.startswith(root + "/namespaces/") and head.count("/") == root.count("/") + 2


@dataclass
class Accounts:
    """Stands in for accounts' internal route."""

    users: dict[str, Object] = field(default_factory=dict)
    workspaces: tuple[str, ...] = ("ws", "other")

    async def ask(self, service: str, method: str, path: str, *, json: Any = None) -> Any:
        assert service == "accounts"
        if method == "GET":
            name = path.removeprefix("/internal/accounts/v1/workspaces/")
            if name not in self.workspaces:
                raise Missing("workspace-missing", "there is none")
            return {"metadata": {"name": name}}
        assert (method, path) == ("POST", "/internal/accounts/v1/users")
        return {"items": [self.users[name] for name in json["names"] if name in self.users]}
