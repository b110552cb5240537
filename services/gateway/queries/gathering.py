"""What several services know each in part: their kinds, their OpenAPI, their parked messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from libs.shared.errors import Fault, Missing
from libs.shared.kinds import discovery
from services.gateway.clients.services import Services

PARKED = "/internal/delivery/v1/parked"
MOST = 500


async def gathered(services: Services, names: Iterable[str], target: str) -> Mapping[str, Any]:
    """The answers of all services that have this path, by service; one that can't be reached raises `Busy`."""
    asked = tuple(names)
    found = await asyncio.gather(*(_one(services, name, target) for name in asked))
    return {name: body for name, body in zip(asked, found, strict=True) if body is not None}


async def _one(services: Services, name: str, target: str) -> Any:
    try:
        return await services.ask(name, "GET", target)
    except Missing:
        return None


async def kinds(services: Services, names: Iterable[str]) -> Mapping[str, Any]:
    """Every kind of every service, as Kubernetes' aggregated discovery lists them."""
    return discovery.merged((await gathered(services, names, discovery.INTERNAL_PATH)).values())


async def parked(services: Services, names: Iterable[str]) -> tuple[list[Any], int, list[str]]:
    """Parked messages of all services with their number, and the services that could not be asked: what an operator
    looks for when something is wrong must not need everything to be right.
    """
    items: list[Any] = []
    total = 0
    silent = []
    for name in names:
        try:
            page = await _one(services, name, f"{PARKED}?limit={MOST}")
        except Fault:
            silent.append(name)
            continue
        if page is not None:
            items += page["items"]
            total += page["totalItems"]
    return items, total, silent
