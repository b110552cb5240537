"""Evaluating rule groups, each at its own interval, and forgetting old history."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from libs.shared.errors import Fault
from libs.shared.service import Worker
from services.alerting.commands import evaluation as commands
from services.alerting.domain.duration import seconds
from services.alerting.domain.group import Group, Rule, bindings, selects_here
from services.alerting.domain.standing import Outcome, live_rules
from services.alerting.parts import Parts
from services.alerting.queries.episode import old_episodes
from services.alerting.queries.group import live_groups

HOUR = 3600.0


class Timetable:
    """Which groups there are, when each is due, and which are being evaluated."""

    def __init__(self, settings_interval: float) -> None:
        self._interval = settings_interval
        self._groups: dict[str, Group] = {}
        self._due: dict[str, float] = {}
        self._running: set[str] = set()

    def renew(self, groups: list[Group]) -> None:
        """These are the groups now; one that is new, or another than before, is due at once."""
        now = {group.place: group for group in groups}
        for place, group in now.items():
            known = self._groups.get(place)
            if known is None or (known.uid, known.generation) != (group.uid, group.generation):
                self._due[place] = 0.0
        self._groups = now
        self._due = {place: due for place, due in self._due.items() if place in now}

    def take(self, at: float, most: int) -> list[Group]:
        """Those that are due, the longest due first, at most so many running; their next turn is an interval away."""
        room = most - len(self._running)
        due = sorted((due, place) for place, due in self._due.items() if due <= at and place not in self._running)
        found = [self._groups[place] for _, place in due[: max(room, 0)]]
        for group in found:
            every = seconds(group.interval) or self._interval
            late = at - self._due[group.place]
            self._due[group.place] = (at if late > every else self._due[group.place]) + every
            self._running.add(group.place)
        return found

    def done(self, group: Group) -> None:
        """It is no longer being evaluated."""
        self._running.discard(group.place)

    def until(self, at: float, most: float) -> float:
        """Seconds until one is due, at most `most`."""
        waits = [due - at for place, due in self._due.items() if place not in self._running]
        return max(min([most, *waits]), 0.001)


async def evaluate_rules(parts: Parts) -> None:
    """Evaluate for ever. A group that takes long holds up no other, and is not begun again meanwhile."""
    timetable, looked = Timetable(parts.settings.interval), -parts.settings.poll
    async with asyncio.TaskGroup() as tasks:
        while True:
            now = parts.clock.monotonic()
            if parts.news.take() or now - looked >= parts.settings.poll:
                timetable.renew(await live_groups(parts.store))
                looked = now
            for group in timetable.take(now, parts.settings.at_once):
                tasks.create_task(_turn(group, timetable, parts), name=f"evaluate {group.place}")
            await parts.news.wait(timetable.until(parts.clock.monotonic(), parts.settings.poll))


async def _turn(group: Group, timetable: Timetable, parts: Parts) -> None:
    try:
        await evaluate_group(group, parts)
    finally:
        timetable.done(group)
        parts.news.nudge()


async def evaluate_group(group: Group, parts: Parts) -> None:
    """Evaluate each rule of a group at one moment, one after the other, and keep what came of it in one unit."""
    at, began = parts.clock(), parts.clock.monotonic()
    outcomes = {name: await _asked(group, rule, at, parts) for name, rule in live_rules(group).items()}
    await parts.store.transact(
        commands.keep_evaluation,
        group,
        outcomes,
        at=at,
        most=parts.settings.alerts_most,
        seconds=parts.clock.monotonic() - began,
    )


async def _asked(group: Group, rule: Rule, at: datetime, parts: Parts) -> Outcome:
    """A rule's series; whatever keeps them from being known is the rule's error."""
    began = parts.clock.monotonic()
    if not selects_here(rule, parts.settings.cluster_name):
        return Outcome()
    try:
        samples = await parts.metrics.query(str(rule.expr), bindings(group.LEVEL, group.namespace, rule), at)
    except Fault as fault:
        parts.journal.failed(group, rule.alert, fault)
        return Outcome(error=fault.text, seconds=parts.clock.monotonic() - began)
    parts.journal.evaluated()
    return Outcome(samples, seconds=parts.clock.monotonic() - began)


async def sweep_episodes(parts: Parts) -> None:
    """Forget what is over for long, or too much of it, once an hour."""
    while True:
        before = parts.clock() - timedelta(days=parts.settings.keep_days)
        while names := await old_episodes(parts.store, before, parts.settings.keep_most):
            await parts.store.transact(commands.sweep_episodes, names)
        await parts.clock.sleep(HOUR)


WORKERS = (Worker("evaluate-rules", evaluate_rules), Worker("sweep-episodes", sweep_episodes))
