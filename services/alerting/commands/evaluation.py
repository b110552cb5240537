"""Keeping what an evaluation found, with what is to be told of it: in one unit, so that each is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.shared.store.protocol import Unit
from services.alerting.commands.place import workspace_of
from services.alerting.domain import episode as episodes
from services.alerting.domain import standing as standings
from services.alerting.domain.alert import Alert
from services.alerting.domain.episode import Episode, name_of
from services.alerting.domain.group import Group
from services.alerting.domain.standing import Outcome, Standing, Turn


async def keep_evaluation(
    unit: Unit, group: Group, outcomes: Mapping[str, Outcome], *, at: datetime, most: int, seconds: float
) -> Standing | None:
    """Note what was found out about a group as it was then; None, and nothing is noted, when it was changed or removed
    meanwhile.
    """
    now = await unit.of(type(group)).look(group.id)
    if now is None or (now.uid, now.generation) != (group.uid, group.generation):
        return None
    before = await unit.of(Standing).look(group.place) or standings.begun(group)
    if before.evaluated_at is not None and before.evaluated_at >= at:
        return None
    turn = standings.evaluated(group, before, outcomes, at, most=most, seconds=seconds)
    await keep_turn(unit, group, turn, at=at)
    return turn.standing


async def keep_turn(unit: Unit, group: Group, turn: Turn, *, at: datetime) -> None:
    """Keep a standing, and tell what fires since and what is over."""
    await unit.of(Standing).put(turn.standing)
    await end_alerts(unit, turn.ended, at=at)
    if turn.fired:
        workspace = await workspace_of(unit, group.namespace)
        for alert in turn.fired:
            episode, event = episodes.opened(group, alert, workspace)
            episode = await unit.of(Episode).put(episode)
            unit.emit(event, subject=_subject(alert), workspace=workspace, about=episode)


async def end_alerts(unit: Unit, over: Sequence[Alert], *, at: datetime) -> None:
    """Tell that these are over; what the history no longer holds was told long ago and is left."""
    for alert in over:
        episode = await unit.of(Episode).look(name_of(alert.fingerprint, alert.fired_at or alert.active_at))
        if episode is not None and episode.open:
            closed, event = episodes.closed(episode, alert, at)
            closed = await unit.of(Episode).put(closed)
            unit.emit(event, subject=_subject(alert), workspace=closed.workspace, about=closed)


async def sweep_episodes(unit: Unit, names: Sequence[str]) -> None:
    """Forget those of these that are over."""
    for name in names:
        episode = await unit.of(Episode).look(name)
        if episode is not None and not episode.open:
            await unit.of(Episode).drop(name)


def _subject(alert: Alert) -> str:
    return f"alerts/{alert.fingerprint}"
