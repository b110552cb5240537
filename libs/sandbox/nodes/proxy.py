"""What nodes answer through the API server's proxy: their metrics, and that they are well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from libs.sandbox.controllers.meta import Body, name_of, space_of
from libs.sandbox.controllers.volumes import CLAIMS
from libs.sandbox.nodes.boxes import Box, boxes_on
from libs.sandbox.nodes.spent import Meter, Spent
from libs.sandbox.nodes.text import cadvisor, exporter, kubelet, resource
from libs.sandbox.nodes.text.families import TYPE
from libs.sandbox.objects import Objects
from libs.shared.errors import Missing

EXPORTER: Final = "metrics/node"
"""Where a simulated node also tells what its node-exporter does: nothing listens on the pod's own port."""


class Meters:
    """What all nodes have spent since the world began."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._began = objects.clock().timestamp()
        self._meters: dict[str, Meter] = {}

    def now(self) -> float:
        """Unix seconds."""
        return self._objects.clock().timestamp()

    def pods(self, node: str) -> list[Body]:
        """Pods that are placed there."""
        return [pod for pod in self._objects.list("pods") if pod["spec"].get("nodeName") == node]

    def look(self, node: str) -> tuple[list[Box], Spent, float]:
        """The containers that run on a node, what it has spent, and when that was."""
        now, boxes = self.now(), boxes_on(node, self.pods(node))
        meter = self._meters.setdefault(node, Meter(node, self._began))
        return boxes, meter.spent(boxes, now), now


class Proxy:
    """Answers `/api/v1/nodes/<node>/proxy/<path>`."""

    def __init__(self, objects: Objects, meters: Meters) -> None:
        self._objects = objects
        self._meters = meters
        self._pages: Mapping[str, Callable[[str], Callable[[], str]]] = {
            "metrics/cadvisor": self._cadvisor,
            "metrics/resource": self._resource,
            "metrics": self._kubelet,
            EXPORTER: self._exporter,
            "healthz": lambda _: lambda: "ok",
        }

    async def __call__(self, request: web.BaseRequest, node: dict[str, Any], path: str) -> web.StreamResponse:
        """One of the pages as text, written beside the event loop; raises `Missing` for any other."""
        del request
        page = self._pages.get(path.rstrip("/"))
        if page is None:
            raise Missing("no-node-page", "404 page not found")
        write = page(name_of(node))
        text = await asyncio.to_thread(write)
        return web.Response(body=text.encode(), headers={"Content-Type": TYPE})

    def _cadvisor(self, node: str) -> Callable[[], str]:
        boxes, spent, now = self._meters.look(node)
        return lambda: cadvisor.told(boxes, spent, now)

    def _resource(self, node: str) -> Callable[[], str]:
        boxes, spent, now = self._meters.look(node)
        return lambda: resource.told(boxes, spent, exporter.memory(boxes, now).working, now)

    def _kubelet(self, node: str) -> Callable[[], str]:
        claims = {(space_of(claim), name_of(claim)): claim for claim in self._objects.list(CLAIMS)}
        pods, (_, spent, now) = self._meters.pods(node), self._meters.look(node)
        return lambda: kubelet.told(node, pods, claims, spent.began, now)

    def _exporter(self, node: str) -> Callable[[], str]:
        boxes, spent, now = self._meters.look(node)
        return lambda: exporter.told(node, boxes, spent, now)
