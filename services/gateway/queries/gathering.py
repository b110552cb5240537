"""What several services know each in part: their kinds, their OpenAPI, their parked messages.

A service that can't be reached is left out and named: what the others know, and what an operator looks for when
something is wrong, must not need everything to be right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from libs.shared.errors import Fault, Missing
from libs.shared.kinds import discovery
from libs.shared.kube.client import JSON, Kube
from libs.shared.kube.wire import Ask, whole
from services.gateway.clients.services import Services

PARKED = "/internal/delivery/v1/parked"
MOST = 500
LARGEST = 16 << 20
"""Bytes of a cluster's discovery."""
PATIENCE = 5.0
"""Seconds that a cluster may take for it."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Answers by service, and the services that could not be asked."""

    answers: Mapping[str, Any]
    silent: tuple[str, ...]


async def gathered(services: Services, names: Iterable[str], target: str) -> Gathered:
    """Ask all of these services for this path; one that doesn't have it is neither here nor there."""
    asked = tuple(names)
    found = await asyncio.gather(*(_one(services, name, target) for name in asked))
    answers = {name: body for name, body in zip(asked, found, strict=True) if not isinstance(body, Fault)}
    silent = (n for n, b in zip(asked, found, strict=True) if isinstance(b, Fault) and not isinstance(b, Missing))
    return Gathered(answers, tuple(silent))


async def _one(services: Services, name: str, target: str) -> Any:
    """The answer, or the fault in its place."""
    try:
        return await services.ask(name, "GET", target)
    except Fault as fault:
        return fault


async def kinds(services: Services, names: Iterable[str], cluster: Kube) -> Mapping[str, Any]:
    """Every kind of every service and of the cluster, as Kubernetes' aggregated discovery lists them. A cluster that
    can't be reached is left out too: what the services serve is there without it.
    """
    found, observed = await asyncio.gather(gathered(services, names, discovery.INTERNAL_PATH), _observed(cluster))
    return discovery.merged((*found.answers.values(), observed))


async def _observed(cluster: Kube) -> Mapping[str, Any]:
    """The cluster's groups but for the core; none where it can't be asked, or is too old to tell all at once."""
    ask = Ask("GET", "/apis", (("Accept", f"{discovery.AGGREGATED},{JSON}"),), seconds=PATIENCE)
    try:
        async with cluster.forwarded(ask) as answer:
            found = orjson.loads(await whole(answer, LARGEST))
    except (Fault, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "APIGroupDiscoveryList" else {}


async def parked(services: Services, names: Iterable[str], limit: int) -> tuple[list[Any], int, tuple[str, ...]]:
    """Parked messages, so many of each service at most, the number of all, and the services that could not be asked."""
    found = await gathered(services, names, f"{PARKED}?limit={limit}")
    pages = found.answers.values()
    return [item for page in pages for item in page["items"]], sum(p["totalItems"] for p in pages), found.silent
