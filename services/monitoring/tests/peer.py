"""A Prometheus that holds what the embedded store holds: what both say of the same expressions can be compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient

from services.monitoring.clients.embedded import Embedded
from services.monitoring.clients.prometheus import PREFIX, Prometheus
from services.monitoring.domain.labels import Labels, Matcher
from services.monitoring.domain.sample import Reading
from services.monitoring.domain.scope import scope_of
from services.monitoring.parts import Parts
from services.monitoring.rest.named import written
from services.monitoring.settings import MonitoringSettings
from services.monitoring.tests.stage import cluster, measured, pod
from services.monitoring.tests.written import request, snappy

HEADERS = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
SHOP = {"namespace": "shop"}
PLACES: Mapping[str, Mapping[str, str]] = {
    "cluster": {},
    "node": {},
    "workspace": {},
    "namespace": SHOP,
    "workload": SHOP,
    "pod": SHOP,
    "container": {**SHOP, "pod": "web-7d9f-1"},
    "pvc": SHOP,
    "ingress": SHOP,
    "etcd": {},
    "apiserver": {},
    "scheduler": {},
}
"""A place of each level."""


async def scraped(parts: Parts, rounds: int, pods: int = 0) -> list[list[Reading]]:
    """The cluster with so many further pods, scraped for some rounds; all that the store holds then, by time."""
    more = [pod(f"web-7d9f-x{n}", "shop", f"node-{n % 2 + 1}", "ReplicaSet", "web-7d9f") for n in range(pods)]
    cluster(parts).objects["/api/v1/pods"] += more
    await measured(parts, rounds, seconds=15)
    assert isinstance(parts.metrics, Embedded)
    held = parts.metrics._tsdb.select([Matcher("__name__", "!=", "")], 0, 1 << 60)
    found: dict[int, list[tuple[Labels, int, float]]] = defaultdict(list)
    for series in held:
        for at, value in zip(series.times.tolist(), series.values.tolist(), strict=True):
            found[at].append((series.labels, at, value))
    return [found[at] for at in sorted(found)]


def page(parts: Parts, level: str) -> dict[str, str]:
    """The expressions of all metrics of a level."""
    scope = scope_of(level, PLACES[level], {"duration": "300000ms"})
    return {name: written(name, text, scope) for name, text in parts.seeds.catalogue.levels[level].items()}


def body(rows: Sequence[Reading]) -> bytes:
    """Samples as remote write sends them."""
    return snappy(request((dict(labels), [(at, value)]) for labels, at, value in rows))


async def pushed(session: aiohttp.ClientSession | TestClient[Any, Any], path: str, bodies: Sequence[bytes]) -> None:
    """By remote write, a request for each."""
    for one in bodies:
        async with session.post(path, data=BytesIO(one), headers=HEADERS) as answer:
            assert answer.status == 204, await answer.text()


@asynccontextmanager
async def holding(address: str, several: Sequence[Sequence[Reading]]) -> AsyncIterator[Prometheus]:
    """The Prometheus of this address as a source, once it holds these samples."""
    async with aiohttp.ClientSession(address) as session:
        await pushed(session, "/api/v1/write", [body(rows) for rows in several])
    client = Prometheus(PREFIX + address, MonitoringSettings())
    try:
        yield client
    finally:
        await client.close()
