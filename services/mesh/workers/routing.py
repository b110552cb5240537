"""Each governed service's routing as it should be; that of a service that is gone is removed.

By service, from what stands in the cluster and what is wanted of its component: it may be run again at any time.
"""

from __future__ import annotations

import asyncio

from libs.shared.bell import Bell
from libs.shared.errors import Fault
from services.mesh.clients import istio
from services.mesh.commands import split as commands
from services.mesh.domain import routing
from services.mesh.domain.component import Component, JsonObject, Key
from services.mesh.domain.governing import ServicePolicy, Strategy, path_of
from services.mesh.domain.split import Split
from services.mesh.domain.view import NAMES
from services.mesh.parts import Parts
from services.mesh.queries import governing as queries
from services.mesh.workers.following import follow

MOST = 500
IDLE = 1.0
"""Seconds between two looks for what failed a while ago."""


async def route(parts: Parts) -> None:
    """For ever: what was heard of, what failed a while ago, and now and then everything."""
    bell = Bell(parts.clock)
    parts.view.woken(bell.ring)
    async with asyncio.TaskGroup() as group:
        for plural in NAMES:
            group.create_task(follow(plural, parts), name=f"follow {plural}")
        while not parts.view.stands:
            await bell.wait(IDLE)
        await _reconcile_all(bell, parts)


async def _reconcile_all(bell: Bell, parts: Parts) -> None:
    due, failed = parts.clock.monotonic(), dict[Key, tuple[float, float]]()
    while True:
        now = parts.clock.monotonic()
        if now >= due:
            due = now + parts.settings.resync_seconds
            for key in (*parts.view.governed(), *await queries.written(parts.store)):
                parts.view.hear(key)
        for key in [key for key, (when, _) in failed.items() if when <= now]:
            parts.view.hear(key)
        while keys := parts.view.heard(MOST):
            for key in keys:
                _, pause = failed.pop(key, (0.0, parts.settings.retry_seconds / 2))
                if not await _tried(key, parts):
                    pause = min(pause * 2, parts.settings.resync_seconds)
                    failed[key] = (parts.clock.monotonic() + pause, pause)
        await bell.wait(IDLE if failed else max(due - parts.clock.monotonic(), IDLE))


async def _tried(key: Key, parts: Parts) -> bool:
    try:
        await reconcile(key, parts)
    except Fault as fault:
        parts.journal.failed(key, fault)
        return False
    return True


async def reconcile(key: Key, parts: Parts) -> None:
    """One service; raises what the cluster refuses."""
    component = parts.view.component(key)
    if component is None:
        await _release(key, parts)
    elif component.governed:
        await _govern(component, parts)


async def _release(key: Key, parts: Parts) -> None:
    """Remove what was written of a service that is gone."""
    split = await queries.split_of(parts.store, key)
    if split is None:
        return
    if split.virtual:
        await istio.remove(parts.kube, "virtualservices", Key(key.namespace, split.virtual))
    await istio.remove(parts.kube, "destinationrules", key)
    await parts.store.transact(commands.note_released, key)


async def _govern(component: Component, parts: Parts) -> None:
    """Write the subsets, then the routes to them."""
    key = component.key
    policies = await queries.of_component(parts.store, ServicePolicy, key.namespace, component.app)
    if len(policies) > 1:
        parts.journal.doubled(key, "service policy")
        return
    standing = parts.view.standing("destinationrules", key)
    found = routing.versions(component, parts.view.workloads(key.namespace), standing)
    rule = routing.destination_rule(component, found, policies[0] if policies else None)
    await _written(rule, standing, parts)
    await _share(component, [one.subset for one in found], parts)


async def _share(component: Component, subsets: list[str], parts: Parts) -> None:
    key = component.key
    strategies = await queries.of_component(parts.store, Strategy, key.namespace, component.app)
    if len(strategies) > 1:
        parts.journal.doubled(key, "strategy")
        return
    strategy = strategies[0] if strategies else None
    standing = parts.view.standing("virtualservices", Key(key.namespace, component.app))
    wanted = routing.virtual_service(component, subsets, strategy, standing)
    if wanted is not None:
        await _written(wanted, standing, parts)
    await _noted(component, strategy, wanted, parts)


async def _written(wanted: JsonObject, standing: JsonObject | None, parts: Parts) -> None:
    if routing.differs(standing, wanted):
        stands = await istio.write(parts.kube, wanted, standing)
        parts.view.wrote(istio.PLURALS[wanted["kind"]], stands)
        parts.journal.wrote(wanted["kind"])


async def _noted(component: Component, strategy: Strategy | None, wanted: JsonObject | None, parts: Parts) -> None:
    """What was written, where it differs from what was noted last."""
    key = component.key
    split = Split(
        path=path_of(*key),
        namespace=key.namespace,
        service=key.name,
        virtual=component.app if wanted else "",
        strategy=strategy.name if strategy else "",
        shares=tuple(routing.shares(wanted)) if wanted else (),
    )
    if await queries.split_of(parts.store, key) != split:
        await parts.store.transact(commands.note_split, split)
