"""How long who remembers what: an inbox has to outlive everything that could deliver again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from libs.shared.errors import Fault, Invalid
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock

OUTBOX_KEEP: Final = timedelta(days=1)
"""How long rows stay after they were told: a broker may forget, and an operator tells them again."""
INBOX_KEEP: Final = timedelta(days=14)
SWEEP_EVERY: Final = 600.0
"""Seconds."""


def check_retention(*, inbox: timedelta, bus: timedelta, outbox: timedelta) -> None:
    """Raises `Invalid` unless the inbox outlives the bus's retention and the relay's keep together: an event told again
    on its last day and then kept for the bus's whole time must still be known.
    """
    if inbox <= bus + outbox:
        raise Invalid(
            "inbox-too-short",
            f"the inbox is kept for {inbox}, the bus keeps {bus} and the outbox {outbox}; "
            f"keep the inbox for more than {bus + outbox}",
        )


async def sweep_inbox(store: Store, clock: Clock, telemetry: Telemetry, *, keep: timedelta = INBOX_KEEP) -> None:
    """Forget inbox notes and ids of units that nothing can ask for any more, for ever. Every service commits units,
    also one that reacts to nothing.
    """
    while True:
        try:
            await store.sweep_inbox(clock() - keep)
        except Fault as error:
            telemetry.log.warning("inbox not swept", reason=error.text)
        await clock.sleep(SWEEP_EVERY)
