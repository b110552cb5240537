"""A small API server that does as it is told, for tests of the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.shared.kube.client import Kube
from libs.shared.kube.connection import Connection, Fixed, Source
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret

PODS = "/api/v1/namespaces/shop/pods"
END = object()
"""In a watch's script: the server ends it."""


def pod(name: str, revision: int, uid: str = "", **labels: str) -> dict[str, Any]:
    """An object as the server keeps it."""
    about = {"name": name, "namespace": "shop", "uid": uid or f"uid-{name}", "resourceVersion": str(revision)}
    return {"metadata": about | {"labels": labels}, "spec": {"big": "x"}}


def event(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """One line of a watch."""
    return {"type": kind, "object": {"apiVersion": "v1", "kind": "Pod", **item}}


def status(code: int, reason: str, message: str = "no", **details: Any) -> dict[str, Any]:
    """A refusal."""
    return {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


@dataclass
class Server:
    """Lists what stands in pages of two; each watch plays the next script. `asked` are the requests, in order."""

    items: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 10
    scripts: list[list[Any]] = field(default_factory=list)
    """Of each watch: events, a bytes line, a number (the status of a refusal), END, or a future to wait for."""
    asked: list[web.Request] = field(default_factory=list)
    expire_pages: int = 0
    """How many continued lists are refused as expired."""
    token: str = "t1"
    answer: Callable[[web.Request], web.Response] | None = None
    """For everything that is neither a list nor a watch of pods."""

    @property
    def watches(self) -> list[web.Request]:
        """The watches among what was asked."""
        return [one for one in self.asked if one.query.get("watch") == "true"]

    @property
    def lists(self) -> list[web.Request]:
        """The lists among what was asked."""
        return [one for one in self.asked if one.path == PODS and "watch" not in one.query]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Anything."""
        self.asked.append(request)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response(status(401, "Unauthorized"), status=401)
        if request.path != PODS or request.method != "GET":
            assert self.answer is not None
            return self.answer(request)
        return await self.watched(request) if "watch" in request.query else self.listed(request)

    def listed(self, request: web.Request) -> web.Response:
        begin, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", 10_000))
        if begin and self.expire_pages:
            self.expire_pages -= 1
            return web.json_response(status(410, "Expired"), status=410)
        size = min(limit, 2) if "limit" in request.query else 10_000
        about = {"resourceVersion": str(self.revision)}
        if begin + size < len(self.items):
            about["continue"] = str(begin + size)
        return web.json_response(
            {"kind": "PodList", "apiVersion": "v1", "metadata": about, "items": self.items[begin : begin + size]}
        )

    async def watched(self, request: web.Request) -> web.StreamResponse:
        script = self.scripts.pop(0) if self.scripts else [asyncio.get_running_loop().create_future()]
        if script and isinstance(script[0], int):
            return web.json_response(status(script[0], "x"), status=script[0])
        answer = web.StreamResponse()
        await answer.prepare(request)
        for step in script:
            if step is END:
                break
            if isinstance(step, asyncio.Future):
                await step
            else:
                await answer.write(step if isinstance(step, bytes) else orjson.dumps(step) + b"\n")
        return answer


@dataclass
class World:
    """A server, a client of it, and the client's clock."""

    server: Server
    kube: Kube
    clock: VirtualClock
    url: str


@asynccontextmanager
async def world(source: Source | None = None) -> AsyncIterator[World]:
    """A server on a port of its own."""
    server, clock = Server(), VirtualClock()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as stand:
        url = str(stand.make_url("")).rstrip("/")
        kube = Kube.at(source or Fixed(Connection(url, Secret("Bearer t1"))), clock)
        try:
            yield World(server, kube, clock, url)
        finally:
            await kube.close()
