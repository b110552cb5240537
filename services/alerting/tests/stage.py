"""What tests stand the service on: a real store in a folder, the virtual clock, and series that a test writes down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from libs.shared.errors import Fault, Invalid
from libs.shared.event import CAUSE, Cause, Event
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import time_ordered_id
from services.alerting import workers
from services.alerting.app import DOCUMENTS
from services.alerting.commands import group as commands
from services.alerting.domain.alert import Sample
from services.alerting.domain.group import GROUPS, Group, GroupWish, Rule
from services.alerting.domain.matcher import Matcher
from services.alerting.domain.resource import ENABLE, Level
from services.alerting.domain.vetting import defaulted
from services.alerting.parts import Journal, News, Parts
from services.alerting.reactions import REACTIONS
from services.alerting.settings import AlertingSettings

Reaction = Callable[[Unit, Event], Awaitable[None]]
ON: Mapping[str, str] = {ENABLE: "true"}


@dataclass
class Series:
    """Answers expressions as a test has written down: samples, or a fault that is raised."""

    answers: dict[str, list[tuple[dict[str, str], float]] | Fault] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Matcher, ...]]] = field(default_factory=list)
    slow: asyncio.Event | None = None
    """Where set, expressions that begin with `slow` wait for it."""

    async def parse(self, expression: str, bind: Sequence[Matcher]) -> None:
        self.asked.append((expression, tuple(bind)))
        if expression.count("(") != expression.count(")"):
            raise Invalid("promql", "parse error: unclosed left parenthesis")

    async def query(
        self, expression: str, bind: Sequence[Matcher], at: datetime
    ) -> tuple[Sample, ...]:  # as the protocol has it
        self.asked.append((expression, tuple(bind)))
        if expression.startswith("slow") and self.slow is not None:
            await self.slow.wait()
        answer = self.answers.get(expression, [])
        if isinstance(answer, Fault):
            raise answer
        return tuple(Sample(labels, value) for labels, value in answer)


@asynccontextmanager
async def opened(folder: Path, series: Series | None = None, **settings: object) -> AsyncIterator[Parts]:
    """The service's parts on this folder; opened again, it finds what was kept."""
    clock = VirtualClock()
    store = await open_store(
        folder / "alerting.db",
        DOCUMENTS,
        clock=clock,
        ids=time_ordered_id,
        source="orrery/alerting",
        failpoints=Failpoints(),
    )
    try:
        yield Parts(
            store=store,
            clock=clock,
            ids=time_ordered_id,
            settings=AlertingSettings.model_validate(settings),
            metrics=series or Series(),
            journal=Journal(silent("alerting")),
            news=News(clock),
        )
    finally:
        await store.close()


def rule(alert: str, expr: str, **more: Any) -> Rule:
    """A rule that warns."""
    return Rule(alert=alert, expr=expr, severity="warning", **more)


async def made(
    parts: Parts,
    *rules: Rule,
    level: Level = Level.NAMESPACE,
    name: str = "g",
    interval: str = "5s",
    labels: Mapping[str, str] = ON,
) -> Group:
    """A group that stands."""
    namespace = "shop" if level is Level.NAMESPACE else ""
    wish = defaulted(GroupWish(name, namespace, labels, interval=interval, rules=rules), level, parts.ids)
    return await parts.store.transact(
        commands.create_group, GROUPS[level], wish, uid=parts.ids(), by="admin", at=parts.clock()
    )


async def told(parts: Parts, event: Event, name: str = "event") -> None:
    """Deliver an event to its reaction as the consumer does."""
    (reaction,) = [cast("Reaction", on.reaction) for on in REACTIONS if on.event is type(event)]

    async def once(unit: Unit) -> None:
        if await unit.seen("alerting", name):
            return
        await reaction(unit, event)
        unit.note("alerting", name)

    was = CAUSE.set(Cause("admin", "chain", name, ""))
    try:
        await parts.store.transact(once)
    finally:
        CAUSE.reset(was)


async def outbox(parts: Parts) -> list[str]:
    """What was emitted of alerts, in order."""
    rows = await parts.store.outbox.waiting(1000)
    return [row.envelope.name for row in rows if row.envelope.subject.startswith("alerts/")]


async def advance(parts: Parts, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(parts.clock, VirtualClock)
    await parts.clock.advance(seconds)


@asynccontextmanager
async def evaluating(parts: Parts) -> AsyncIterator[asyncio.Task[None]]:
    """The worker runs while the block does, or until it fails."""
    task = asyncio.create_task(workers.evaluate_rules(parts))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that real input and output brings about."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  # nothing in reach tells
            await asyncio.sleep(0.005)
