"""A publisher and a consumer on real stores and a real bus, in a time of their own."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

from libs.shared import delivery
from libs.shared.bus.embedded import open_bus
from libs.shared.contracts.accounts_v1 import UserCreated, UserDisabled
from libs.shared.delivery.consume import Consumer, Limits
from libs.shared.delivery.parked_worker import ParkedRetries
from libs.shared.delivery.react import Reactor
from libs.shared.delivery.relay import Relay
from libs.shared.errors import Missing
from libs.shared.failpoints import Failpoints
from libs.shared.service import On
from libs.shared.store.protocol import Document
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock, eventually
from libs.shared.values import time_ordered_id

KINDS = (UserCreated, UserDisabled)


class Letter(Document):
    """The effect of a reaction: one more each time that it runs, so that a second run shows."""

    KEY: ClassVar[str] = "to"

    to: str
    texts: tuple[str, ...] = ()


class World:
    """`plan` decides what the reaction does: user -> exceptions to raise, one a run, before it goes well."""

    def __init__(self, folder, failpoints=None):
        self.folder = folder
        self.clock = VirtualClock()
        self.failpoints = failpoints or Failpoints()
        self.plan = {}
        self.runs: Counter[str] = Counter()
        self.tasks = []

    async def open(self):
        self.telemetry = silent("mail")
        self.accounts = await self.store("accounts", delivery.DOCUMENTS)
        self.mail = await self.store("mail", (Letter, *delivery.DOCUMENTS))
        self.bus = await open_bus(
            self.folder / "bus.db", clock=self.clock, failpoints=self.failpoints, max_message=64 * 1024
        )

    async def store(self, name, documents):
        return await open_store(
            self.folder / f"{name}.db",
            documents,
            clock=self.clock,
            ids=time_ordered_id,
            source=f"/{name}",
            failpoints=self.failpoints,
        )

    async def close(self):
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.bus.close()
        await self.accounts.close()
        await self.mail.close()

    async def queue_letter(self, unit, event):
        """The reaction under test."""
        self.runs[event.user] += 1
        if errors := self.plan.get(event.user):
            raise errors.pop(0)
        letters = unit.of(Letter)
        letter = await letters.look(event.user) or Letter(to=event.user)
        await letters.put(letter.model_copy(update={"texts": (*letter.texts, type(event).__name__)}))

    def relay(self, **kwargs):
        return Relay(
            self.accounts,
            self.bus,
            source="/accounts",
            clock=self.clock,
            telemetry=silent("accounts"),
            failpoints=self.failpoints,
            **kwargs,
        )

    def reactor(self):
        return Reactor("mail", [On(kind, self.queue_letter) for kind in KINDS], self.mail, self.telemetry)

    def consumer(self, limits=None, store=None):
        self.telemetry = silent("mail")
        return Consumer(
            self.reactor(),
            store=store or self.mail,
            bus=self.bus,
            clock=self.clock,
            telemetry=self.telemetry,
            failpoints=self.failpoints,
            limits=limits or Limits(),
        )

    def retries(self):
        return ParkedRetries(self.reactor(), store=self.mail, clock=self.clock, telemetry=silent("mail"))

    def start(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks.append(task)
        return task

    async def stop(self, task):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def emit(self, *events):
        """Each event in a unit of its own, on its user's subject."""
        for event in events:
            await self.accounts.transact(emit, event)

    async def letters(self):
        return {letter.to: letter.texts for letter in await self.mail.of(Letter).find()}

    async def pass_until(self, holds, seconds=0.5, most=400):
        """Let time pass until it holds (an async question)."""
        for _ in range(most):
            if await holds():
                return
            await self.clock.advance(seconds)
            await asyncio.sleep(0.003)
        raise AssertionError("it did not come about")

    def metric(self, name, **labels):
        return self.telemetry.registry.get_sample_value(name, labels)


async def emit(unit, event):
    unit.emit(event, subject=f"users/{event.user}")


def created(user):
    return UserCreated(user=user)


def disabled(user):
    return UserDisabled(user=user)


def not_here_yet():
    return Missing("missing", "the workspace is not here yet")


@asynccontextmanager
async def opened(folder, **kwargs):
    world = World(folder, **kwargs)
    await world.open()
    try:
        yield world
    finally:
        await world.close()


__all__ = ["Letter", "World", "created", "disabled", "eventually", "not_here_yet", "opened"]
