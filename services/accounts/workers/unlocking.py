"""Takes locks off accounts when their time has come, so that state and event say so without anybody signing in."""

from __future__ import annotations

from libs.shared.store.protocol import Find, Range
from services.accounts.commands import user as commands
from services.accounts.domain.user import User
from services.accounts.parts import Parts

SOONEST = 1.0
"""Seconds between two looks, and how late a lock may come off."""
BATCH = 100


async def unlock(parts: Parts) -> None:
    """Unlock what is due, for ever. The account itself takes a password again at that moment, worker or not."""
    while True:
        await unlock_due(parts)
        await parts.clock.sleep(SOONEST)


async def unlock_due(parts: Parts) -> int:
    """Unlock the accounts whose locks have run out; how many."""
    now = parts.clock()
    due = await parts.store.of(User).find(Find((Range("locked_until", high=now),), sort="locked_until", limit=BATCH))
    done = [await parts.store.transact(commands.unlock_user, user.name, at=now) for user in due]
    return sum(done)
