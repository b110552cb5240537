"""`/healthz`, `/readyz` and `/metrics`, on every listener of a service, for probes that carry no identity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from libs.shared.errors import Fault
from libs.shared.http.faults import json_response
from libs.shared.values import Clock

Check = Callable[[], Awaitable[None]]
"""Returns when the dependency answers; raises from the error tree with the reason when it doesn't."""
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class Health:
    """What a service rests on, and since when a part of it doesn't answer."""

    def __init__(self, checks: Mapping[str, Check], registry: CollectorRegistry, clock: Clock) -> None:
        self._checks, self._registry, self._clock = checks, registry, clock
        self._since: dict[str, datetime] = {}

    async def healthz(self, _: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(text="ok")

    async def readyz(self, _: web.Request) -> web.Response:
        """Every dependency answers: 200; else 503 with which, why and since when."""
        found = {name: await self._state(name, check) for name, check in self._checks.items()}
        ready = all(state["ready"] for state in found.values())
        return json_response({"ready": ready, "dependencies": found}, 200 if ready else 503)

    async def _state(self, name: str, check: Check) -> dict[str, object]:
        try:
            await check()
        except Fault as fault:
            since = self._since.setdefault(name, self._clock())
            return {"ready": False, "reason": fault.text, "since": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self._since.pop(name, None)
        return {"ready": True}

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def add_to(self, app: web.Application) -> None:
        """Serve the three."""
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
