"""Telling receivers what has changed of alerts, once what belongs together has been gathered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from libs.shared.errors import Busy
from services.notification.commands import signal as commands
from services.notification.domain.signal import Bunch
from services.notification.domain.target import Standing, owners
from services.notification.parts import Parts
from services.notification.queries import signal as queries

SHORTEST = 0.05
LONGEST = 1.0
"""Seconds: a bunch may have been begun by another process, whose bell isn't heard here."""


async def spread_signals(parts: Parts) -> None:
    """Tell for ever. While nobody can say what a tenant may see, bunches with such tenants wait."""
    while True:
        wait = parts.settings.group_wait or 0.0
        bunches = await queries.due_bunches(parts.store, parts.clock(), wait, parts.settings.review)
        if bunches:
            try:
                await spread(bunches, parts)
            except Busy as fault:
                parts.journal.held_up(fault)
                await parts.clock.sleep(LONGEST)
        else:
            await parts.bells.signals.wait(await until_due(wait, parts))


async def until_due(wait: float, parts: Parts) -> float:
    """Seconds until a bunch is due, a second at most."""
    since = await queries.next_bunch(parts.store)
    if since is None:
        return LONGEST
    return min(max((since + timedelta(seconds=wait) - parts.clock()).total_seconds(), SHORTEST), LONGEST)


async def spread(bunches: list[Bunch], parts: Parts) -> None:
    """Queue the messages about each of these. Raises `Busy`."""
    standing = await queries.standing_of(parts.store)
    configs = await queries.mail_configs(parts.store, standing)
    for bunch in bunches:
        seers = await seers_of(bunch, standing, parts)
        at = parts.clock()
        told = await parts.store.transact(commands.tell_bunch, bunch.id, replace(standing, seers=seers), configs, at=at)
        if told:
            parts.failpoints.hit("notices.after-queued")
            parts.bells.letters.ring()
            parts.bells.notices.ring()


async def seers_of(bunch: Bunch, standing: Standing, parts: Parts) -> frozenset[str]:
    """The tenants who may see the alerts of a bunch: of no namespace none."""
    namespace = bunch.labels.get("namespace", "")
    if not namespace:
        return frozenset()
    return frozenset([user for user in owners(standing) if await parts.outlets.sights.sees(user, namespace)])
