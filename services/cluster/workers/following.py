"""Following the cluster into memory: every process does so for itself."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from libs.shared.errors import Fault
from services.cluster.domain.resource import KNOWN, Resource
from services.cluster.parts import Parts

AGAIN = 30.0
"""Seconds after which a kind that the cluster does not have, or does not show us, is asked for again."""


async def follow(parts: Parts) -> None:
    """List and watch every kind that is held, for ever; but for those that turn out to be too many."""
    async with asyncio.TaskGroup() as group:
        for resource in KNOWN:
            if resource.kept:
                group.create_task(_follow(resource, parts), name=f"follow {resource.plural}")


async def _follow(resource: Resource, parts: Parts) -> None:
    while not parts.shelf.given_up(resource.plural):
        try:
            await follow_once(resource, parts)
        except Fault as fault:
            parts.shelf.failed(resource.plural)
            parts.work.journal.unfollowed(resource.plural, fault)
        await parts.clock.sleep(AGAIN)


async def follow_once(resource: Resource, parts: Parts) -> None:
    """One watch: it lasts until the cluster refuses it."""
    shelf, plural = parts.shelf, resource.plural
    held = parts.work.journal.held.labels(plural)
    shelf.begin(plural)
    async with aclosing(parts.kube.watch(resource.path())) as changes:
        async for change in changes:
            match str(change.type):
                case "SYNCED":
                    shelf.synced(plural)
                case "DELETED":
                    shelf.drop(plural, change.object)
                case _:
                    shelf.take(plural, change.object)
            held.set(shelf.count(plural))
            if shelf.given_up(plural):
                parts.work.journal.given_up(plural)
                return
