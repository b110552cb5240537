"""`/healthz`, `/readyz` and `/metrics` on a service's own listener, for probes that carry no identity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from libs.shared.errors import Busy, Fault
from libs.shared.http.faults import json_response
from libs.shared.values import Clock

Check = Callable[[], Awaitable[None]]
"""Returns when the dependency answers; raises from the error tree, with the reason, when it doesn't."""
PROBES: Final = ("/healthz", "/readyz", "/metrics")
PATIENCE: Final = 2.0
"""Seconds that a dependency may take to answer: a probe that hangs is no probe."""


class Health:
    """What a service rests on, and since when a part of it hasn't answered."""

    def __init__(
        self, checks: Mapping[str, Check], registry: CollectorRegistry, clock: Clock, *, patience: float = PATIENCE
    ) -> None:
        self._checks, self._registry, self._clock, self._patience = checks, registry, clock, patience
        self._since: dict[str, datetime] = {}

    def add_to(self, app: web.Application) -> None:
        """Serve the three, for HEAD too."""
        for path, probe in zip(PROBES, (self.healthz, self.readyz, self.metrics), strict=True):
            app.router.add_get(path, probe)

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(text="ok", headers={"Cache-Control": "no-store"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 when every dependency answers, else 503: which, why, since when."""
        states = await asyncio.gather(*(self._state(name, check) for name, check in self._checks.items()))
        found = dict(zip(self._checks, states, strict=True))
        ready = all(state["ready"] for state in states)
        body = {"ready": ready, "dependencies": found}
        return json_response(body, 200 if ready else 503, {"Cache-Control": "no-store"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _state(self, name: str, check: Check) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._patience):
                await check()
        except TimeoutError:
            return self._down(name, Busy("no-answer", f"no answer within {self._patience:g} s"))
        except Fault as fault:
            return self._down(name, fault)
        self._since.pop(name, None)
        return {"ready": True}

    def _down(self, name: str, fault: Fault) -> dict[str, Any]:
        since = self._since.setdefault(name, self._clock())
        return {
            "ready": False,
            "slug": fault.slug,
            "reason": fault.text,
            "since": since.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
