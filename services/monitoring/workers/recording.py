"""Recording rules, on time."""

from __future__ import annotations

from libs.shared.errors import Busy
from services.monitoring.parts import Parts
from services.monitoring.workers.pace import HEAD_START, Pace, idle, now_of

BEHIND = 1.0
"""Seconds after a scrape's round that the rules look at it."""


async def record_rules(parts: Parts) -> None:
    """For ever; a round that the disk refuses is left out."""
    keep = parts.keep
    if keep is None:
        await idle(parts)
        return
    await parts.clock.sleep(HEAD_START + BEHIND)
    pace = Pace(parts)
    while True:
        try:
            report = await keep.record(parts.seeds.rules, now_of(parts))
        except Busy as fault:
            parts.journal.log.warning("rules", fault=fault.slug, text=fault.text)
        else:
            parts.journal.kept(report)
        await pace.next()
