"""Making room in the store of series."""

from __future__ import annotations

from libs.shared.errors import Fault
from services.monitoring.parts import Parts
from services.monitoring.workers.pace import idle

EVERY = 300.0


async def tend_series(parts: Parts) -> None:
    """Seal what is over and drop what is old, every five minutes; a fault waits for the next time."""
    keep = parts.keep
    if keep is None:
        await idle(parts)
        return
    while True:
        await parts.clock.sleep(EVERY)
        try:
            await keep.tend()
        except Fault as fault:
            parts.journal.log.warning("tend", fault=fault.slug, text=fault.text)
