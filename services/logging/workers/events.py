"""Kubernetes events (core/v1) as the cluster tells them: each update is a document of its own."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from libs.shared.errors import Malformed
from libs.shared.kube.watch import What
from services.logging.domain import event
from services.logging.domain.entry import EVENTS
from services.logging.parts import Parts
from services.logging.workers.pouring import DEPTH, Queue, pour, together

PATH = "/api/v1/events"


async def follow_events(parts: Parts) -> None:
    """Follow them for ever. What the cluster still knows is told again after a start, and replaces itself."""
    queue: Queue = asyncio.Queue(DEPTH)
    async with together() as tasks:
        tasks.create_task(pour(queue, EVENTS, parts.keeping.index, parts))
        async with aclosing(parts.sources.cluster.watch(PATH)) as changes:
            async for change in changes:
                if change.type in (What.ADDED, What.MODIFIED):
                    try:
                        await queue.put(event.observed(change.object))
                    except Malformed as fault:
                        parts.journal.left_out(EVENTS.name, fault.text)
