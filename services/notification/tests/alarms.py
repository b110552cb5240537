"""Alerts and receivers for tests, and a web server that takes what receivers are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from libs.shared.contracts.alerting_v1 import AlertFiring, AlertResolved, Pair
from libs.shared.store.protocol import Find
from services.notification.commands import object as commands
from services.notification.domain.notice import Notice
from services.notification.domain.object import OBJECTS, Kept
from services.notification.parts import Parts
from services.notification.shapes import object as shapes
from services.notification.workers.notices import send_notices
from services.notification.workers.signals import spread_signals

BEGAN = "2026-01-01T00:00:00.000000Z"


def _event(name: str, more: Mapping[str, str]) -> dict[str, Any]:
    labels = {"alertname": "Down", "namespace": "shop", "severity": "warning", "rule_id": "r", "pod": name} | dict(more)
    return {
        "alert": labels["alertname"],
        "fingerprint": name,
        "group": "g",
        "namespace": labels["namespace"],
        "level": "namespace" if labels["namespace"] else "cluster",
        "severity": labels["severity"],
        "labels": tuple(Pair(name=key, value=value) for key, value in labels.items() if value),
        "annotations": (Pair(name="summary", value=f"{name} is down"),),
        "value": "1e+00",
    }


def firing(name: str = "a", since: str = BEGAN, **labels: str) -> AlertFiring:
    """An alert of the namespace shop that fires."""
    return AlertFiring(**_event(name, labels), starts_at=since)


def resolved(name: str = "a", since: str = BEGAN, **labels: str) -> AlertResolved:
    """That it is over."""
    return AlertResolved(**_event(name, labels), starts_at=since, ends_at="2026-01-01T01:00:00.000000Z")


async def kept(parts: Parts, plural: str, name: str, owner: str = "", **body: Any) -> Kept:
    """A receiver, config, router, silence or secret that stands; `body` is its spec, or a secret's fields."""
    kind = OBJECTS[plural]
    labels = body.pop("labels", {})
    whole = body if kind.NOUN.core else {"spec": body}
    asked = {"metadata": {"name": name, "labels": labels}, **whole}
    wish = shapes.wish(asked, kind, owner, None, parts.outlets.sealer)
    return await parts.store.transact(commands.create_object, kind, wish, uid=name, by="admin", at=parts.clock())


async def notices(parts: Parts) -> list[Notice]:
    """All, the oldest first."""
    return await parts.store.of(Notice).find(Find(sort="order"))


@asynccontextmanager
async def telling(parts: Parts) -> AsyncIterator[None]:
    """Both loops run while the block does, or until one fails."""
    loops = [asyncio.create_task(spread_signals(parts)), asyncio.create_task(send_notices(parts))]
    try:
        yield
        assert not any(loop.done() for loop in loops)
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)


@dataclass
class Sink:
    """Takes what it is told, or answers as a test has said."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    holds: asyncio.Event | None = None

    @property
    def states(self) -> list[list[str]]:
        """The states of the alerts of each message."""
        return [[alert["status"] for alert in body["alerts"]] for body in self.heard]

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        self.heard.append(orjson.loads(await request.read()))
        self.headers.append(dict(request.headers))
        if self.holds is not None:
            await self.holds.wait()
        return self.answers.pop(0) if self.answers else web.Response()


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """A web server that listens while the block lasts."""
    found = Sink()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/hook"))
        yield found
