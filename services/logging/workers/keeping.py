"""Committing what waits, and removing days that are old or too many."""

from __future__ import annotations

from datetime import timedelta

from services.logging.parts import Parts


async def commit(parts: Parts) -> None:
    """Commit for ever: whoever keeps documents here waits for this."""
    await parts.keeping.index.run()


async def tidy(parts: Parts) -> None:
    """Sweep for ever."""
    while True:
        await parts.clock.sleep(parts.settings.sweep_seconds)
        await sweep(parts)


async def sweep(parts: Parts) -> None:
    """Remove days that are older than is kept and that nothing came for in as long (documents of long ago, sent
    today, are kept from today on), then the oldest beyond the bytes; close writers.
    """
    kept = timedelta(days=parts.settings.keep_days)
    oldest = parts.clock() - kept
    index = parts.keeping.index
    await index.rest()
    dropped = await index.sweep(oldest.strftime("%Y-%m-%d"), oldest.timestamp(), parts.settings.keep_bytes)
    for kind, day in dropped:
        parts.journal.dropped(kind, day)
