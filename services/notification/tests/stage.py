"""What tests stand the service on: a real store in a folder, the virtual clock, a worker that starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.errors import Fault
from libs.shared.event import CAUSE, Cause, Event
from libs.shared.failpoints import Failpoints
from libs.shared.sealing import sealer_of
from libs.shared.store.protocol import Find, Unit
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id
from services.notification.app import DOCUMENTS, postman_of
from services.notification.domain.letter import Letter
from services.notification.parts import Bells, Journal, Outlets, Parts, Sights
from services.notification.reactions import REACTIONS
from services.notification.settings import NotificationSettings
from services.notification.workers import letters as workers

Reaction = Callable[[Unit, Event], Awaitable[None]]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Everyone:
    """Tenants who may see the namespaces that a test names; a fault where it sets one."""

    def __init__(self, *seen: tuple[str, str]) -> None:
        self.seen = set(seen)
        self.fault: Fault | None = None

    async def sees(self, user: str, namespace: str) -> bool:
        """Whether the test says so."""
        if self.fault is not None:
            raise self.fault
        return (user, namespace) in self.seen


@asynccontextmanager
async def opened(
    folder: Path, mail: str = "outbox:", sights: Sights | None = None, allow: str = "127.0.0.1", **settings: object
) -> AsyncIterator[Parts]:
    """The service's parts on this folder; opened again, it finds what was kept."""
    egress = Egress(Allow.parsed(allow.split(",")))
    clock = VirtualClock()
    store = await open_store(
        folder / "notification.db",
        DOCUMENTS,
        clock=clock,
        ids=time_ordered_id,
        source="orrery/notification",
        failpoints=Failpoints(),
    )
    chosen = NotificationSettings.model_validate({"timeout": 5, "group_wait": 5, **settings})
    try:
        yield Parts(
            store=store,
            clock=clock,
            settings=chosen,
            outlets=Outlets(postman_of(mail, chosen, folder), egress, sealer_of(folder), sights or Everyone()),
            bells=Bells(clock),
            journal=Journal(silent("notification")),
            failpoints=Failpoints(),
        )
    finally:
        await store.close()


async def told(parts: Parts, event: Event, name: str, *, inbox: bool = True) -> None:
    """Deliver an event to its reaction as the consumer does; without the inbox, as if it had forgotten."""
    (reaction,) = [cast("Reaction", on.reaction) for on in REACTIONS if on.event is type(event)]

    async def once(unit: Unit) -> None:
        if inbox and await unit.seen("notification", name):
            return
        await reaction(unit, event)
        if inbox:
            unit.note("notification", name)

    was = CAUSE.set(Cause("admin", "chain", name, TRACE))
    try:
        await parts.store.transact(once)
    finally:
        CAUSE.reset(was)


async def letters(parts: Parts) -> list[Letter]:
    """All, the oldest first."""
    return await parts.store.of(Letter).find(Find(sort="order"))


async def outbox(parts: Parts) -> list[str]:
    """What was emitted, in order, as `LetterSent letters/<id>`."""
    return [row.envelope.name for row in await parts.store.outbox.waiting(1000)]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that real input and output brings about."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  # nothing in reach tells
            await asyncio.sleep(0.005)


@asynccontextmanager
async def sending(parts: Parts) -> AsyncIterator[asyncio.Task[None]]:
    """The worker runs while the block does, or until it fails."""
    task = asyncio.create_task(workers.send_letters(parts))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def advance(parts: Parts, seconds: float) -> None:
    """Let time pass."""
    await virtual(parts).advance(seconds)


def virtual(parts: Parts) -> VirtualClock:
    """The clock of `opened`."""
    assert isinstance(parts.clock, VirtualClock)
    return parts.clock


def failing(parts: Parts, plan: Failpoints) -> Parts:
    """The parts with failpoints."""
    return replace(parts, failpoints=plan)
