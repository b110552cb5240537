"""Scraping: nodes through the API server's proxy, the suite's own services, and the state of the cluster's objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from libs.shared.errors import Broken, Busy, Fault, Invalid
from services.monitoring.domain.exposition import Reader
from services.monitoring.domain.labels import Labels, changed
from services.monitoring.domain.sample import ENDED, Reading
from services.monitoring.domain.state import KINDS
from services.monitoring.parts import Parts
from services.monitoring.workers.observing import NODES, Observed, observe
from services.monitoring.workers.pace import HEAD_START, Pace, idle, now_of

LARGEST = 16 << 20
MOST = 50_000
"""Samples of one target."""
TOGETHER = 16
"""Targets that are asked at one time."""
NODE_PATHS = (
    ("metrics", "kubelet"),
    ("metrics/cadvisor", "kubelet"),
    ("metrics/resource", "kubelet"),
    ("metrics/node", "node-exporter"),
)


@dataclass(slots=True)
class Target:
    """What is scraped, by its labels, and what it exposed the last time."""

    labels: dict[str, str]
    fetch: Callable[[Parts], Coroutine[Any, Any, str]]
    reader: Reader
    before: set[Labels] = field(default_factory=set)


class Round:
    """Targets that live on from one round to the next."""

    def __init__(self) -> None:
        self._targets: dict[tuple[tuple[str, str], ...], Target] = {}
        self._state: set[Labels] = set()
        self._ended: set[Labels] = set()

    def targets(self, observed: Observed, services: Iterable[str]) -> list[Target]:
        """Of this round; what is no target any more is forgotten."""
        wanted = {
            tuple(sorted(labels.items())): (labels, fetch)
            for labels, fetch in [*_nodes(observed), *_services(services)]
        }
        for key, target in self._targets.items():
            if key not in wanted:
                self._ended |= target.before
        self._targets = {
            key: self._targets.get(key) or Target(labels, fetch, Reader(labels, MOST))
            for key, (labels, fetch) in wanted.items()
        }
        return list(self._targets.values())

    def state(self, observed: Observed, at: int) -> list[Reading]:
        """The objects' series, and the ends of those that are gone, targets' that are none any more included."""
        found = dict(observed.series())
        ended = (self._state - found.keys()) | self._ended
        self._state, self._ended = set(found), set()
        up = changed((), {"__name__": "up", "job": "kube-state-metrics", "instance": "cluster"})
        return [
            (up, at, float(NODES in observed.synced)),
            *((labels, at, value) for labels, value in found.items()),
            *((labels, at, ENDED) for labels in ended),
        ]


def _nodes(observed: Observed) -> Iterable[tuple[dict[str, str], Any]]:
    for node in observed.nodes():
        namespace, pod = observed.place(node)
        for path, job in NODE_PATHS:
            labels = {"job": job, "instance": node, "node": node}
            if job == "kubelet":
                labels["metrics_path"] = f"/{path}"
            else:
                labels = {"job": job, "instance": node, "namespace": namespace, "pod": pod}
            yield labels, _proxied(f"/api/v1/nodes/{node}/proxy/{path}")


def _proxied(path: str) -> Callable[[Parts], Coroutine[Any, Any, str]]:
    return lambda parts: parts.targets.cluster.text(path)


def _services(services: Iterable[str]) -> Iterable[tuple[dict[str, str], Any]]:
    for service in services:
        yield {"job": "orrery", "service": service, "instance": service}, _own(service)


def _own(service: str) -> Callable[[Parts], Coroutine[Any, Any, str]]:
    async def fetch(parts: Parts) -> str:
        asked = parts.targets.upstreams.request(service, "GET", "/metrics", seconds=parts.settings.timeout)
        async with asked as reply:
            raw = bytearray()
            async for part in reply.content.iter_any():
                raw += part
                if len(raw) > LARGEST:
                    raise Broken("scrape", f"{service} exposes more than {LARGEST} bytes")
            if reply.status != HTTPStatus.OK:
                raise Broken("scrape", f"{service} answered {reply.status}")
            return raw.decode(errors="replace")

    return fetch


async def scrape_targets(parts: Parts) -> None:
    """For ever."""
    if parts.keep is None:
        await idle(parts)
    observed = Observed()
    async with asyncio.TaskGroup() as tasks:
        for kind in KINDS:
            tasks.create_task(observe(kind, observed, parts))
        tasks.create_task(rounds(observed, parts))


async def rounds(observed: Observed, parts: Parts) -> None:
    """One after the other; a round that can't be kept is left out."""
    await parts.clock.sleep(HEAD_START)
    one, pace = Round(), Pace(parts)
    while True:
        await scraped(one, observed, parts)
        await pace.next()


async def scraped(one: Round, observed: Observed, parts: Parts) -> None:
    """Ask all targets, and keep what they said, as of one moment."""
    if parts.keep is None:
        return
    at, room = now_of(parts), asyncio.Semaphore(TOGETHER)
    targets = one.targets(observed, parts.targets.upstreams.services)
    answers = await asyncio.gather(*(asked(target, room, parts) for target in targets))
    up = sum(text is not None for text, _ in answers)
    parts.journal.round(up, len(targets) - up)
    readings = await asyncio.to_thread(read, targets, answers, at)
    try:
        report = await parts.keep.write([*readings, *one.state(observed, at)])
    except Busy as fault:
        parts.journal.log.warning("scrape", fault=fault.slug, text=fault.text)
    else:
        parts.journal.kept(report)


async def asked(target: Target, room: asyncio.Semaphore, parts: Parts) -> tuple[str | None, float]:
    """What the target exposes, None when it doesn't answer in time; and how long that took, in seconds."""
    async with room:
        began = parts.clock.monotonic()
        text = None
        try:
            async with asyncio.timeout(parts.settings.timeout):
                text = await target.fetch(parts)
        except (Fault, TimeoutError) as fault:
            parts.journal.log.debug("target", **target.labels, fault=getattr(fault, "slug", "timeout"))
        return text, parts.clock.monotonic() - began


def read(targets: list[Target], answers: list[tuple[str | None, float]], at: int) -> list[Reading]:
    """The samples of a round, what is told of the targets themselves, and the ends of series that are gone."""
    readings: list[Reading] = []
    for target, (text, seconds) in zip(targets, answers, strict=True):
        found: dict[Labels, float] = {}
        up = text is not None
        try:
            found = dict(target.reader.read(text or ""))
        except Invalid:
            up = False
        ended = target.before - found.keys()
        target.before = set(found)
        readings += [(labels, at, value) for labels, value in found.items()]
        readings += [(labels, at, ENDED) for labels in ended]
        told = (("up", float(up)), ("scrape_duration_seconds", seconds), ("scrape_samples_scraped", float(len(found))))
        readings += [(changed((), {**target.labels, "__name__": name}), at, value) for name, value in told]
    return readings
