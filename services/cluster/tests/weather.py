"""What stands between the service and its cluster: the client, which a test may have refuse or fail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from libs.shared.errors import Fault, Missing
from libs.shared.kube.client import Kube

Object = dict[str, Any]


@dataclass
class Weather:
    """A cluster's API that notes each write, and first raises what is waiting in `failing`."""

    kube: Kube
    failing: list[Fault] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    async def get(self, path: str, /, **query: Any) -> Object:
        return await self.kube.get(path, **query)

    async def create(self, path: str, body: Mapping[str, Any], /, **query: Any) -> Object:
        self._write(f"create {path}/{body['metadata']['name']}")
        return await self.kube.create(path, body, **query)

    async def replace(self, path: str, body: Mapping[str, Any], /, **query: Any) -> Object:
        self._write(f"replace {path}")
        return await self.kube.replace(path, body, **query)

    async def patch(self, path: str, body: Any, /, kind: str = "merge", **query: Any) -> Object:
        self._write(f"patch {path}")
        return await self.kube.patch(path, body, kind, **query)

    async def delete(self, path: str, /, body: Mapping[str, Any] | None = None, **query: Any) -> Object:
        self._write(f"delete {path}")
        return await self.kube.delete(path, body, **query)

    async def pages(self, path: str, /, limit: int = 500, **query: Any) -> AsyncGenerator[Object, None]:
        async with aclosing(self.kube.pages(path, limit, **query)) as pages:
            async for one in pages:
                yield one

    async def watch(self, path: str, /, **query: Any) -> AsyncGenerator[Any, None]:
        async with aclosing(self.kube.watch(path, **query)) as changes:
            async for change in changes:
                yield change

    def _write(self, what: str) -> None:
        self.writes.append(what)
        if self.failing:
            raise self.failing.pop(0)


@dataclass
class Accounts:
    """Stands in for accounts' internal routes."""

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
