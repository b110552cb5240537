"""Following the cluster into memory: every process does so for itself."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, cast

from libs.shared.errors import Fault
from services.cluster.domain.resource import KNOWN, Resource
from services.cluster.parts import Parts

AGAIN = 30.0
"""Seconds after which a kind that the cluster does not have, or does not show us, is asked for again."""


async def follow(parts: Parts) -> None:
    """List and watch every kind that is held, for ever."""
    async with asyncio.TaskGroup() as group:
        for resource in KNOWN:
            if resource.kept:
                group.create_task(_follow(resource, parts), name=f"follow {resource.plural}")


async def _follow(resource: Resource, parts: Parts) -> None:
    while True:
        try:
            await follow_once(resource, parts)
        except Fault as fault:
            parts.shelf.failed(resource.plural)
            parts.founding.journal.unfollowed(resource.plural, fault)
        await parts.clock.sleep(AGAIN)


async def follow_once(resource: Resource, parts: Parts) -> None:
    """One watch: it lasts until the cluster refuses it."""
    shelf, plural = parts.shelf, resource.plural
    held = parts.founding.journal.held.labels(plural)
    shelf.begin(plural)
    async with aclosing(cast("Any", parts.kube.watch(resource.path()))) as changes:
        async for change in changes:
            match str(change.type):
                case "SYNCED":
                    shelf.synced(plural)
                case "DELETED":
                    shelf.drop(plural, change.object)
                case _:
                    shelf.take(plural, change.object)
            held.set(shelf.count(plural))
