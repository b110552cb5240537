"""Removes records of sign-ins that are old or too many, and sessions whose tokens have all expired (spec 4.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from libs.shared.store.protocol import Equal, Find, Range
from services.accounts.commands import session as commands
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.session import Session
from services.accounts.parts import Parts

START = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
OVERLAP = timedelta(minutes=1)
"""How much later than the time that it names a record may be committed."""
BATCH = 500
"""How many are removed in one unit."""


async def sweep(parts: Parts) -> None:
    """Sweep now and then, for ever."""
    seen = START
    while True:
        await sweep_old_records(parts)
        seen = await sweep_many_records(parts, seen)
        await sweep_sessions(parts)
        await parts.clock.sleep(parts.settings.sweep_seconds)


async def sweep_old_records(parts: Parts) -> None:
    """Remove records that are older than they are kept."""
    before = parts.clock() - timedelta(hours=parts.settings.history_hours)
    while old := await parts.store.of(LoginRecord).find(Find((Range("created_at", high=before),), limit=BATCH)):
        await _remove(parts, old)


async def sweep_many_records(parts: Parts, since: datetime = START) -> datetime:
    """Of each user who signed in since then keep the newest records only; gives what to say the next time. Nobody else
    can have too many, so a look costs what happened meanwhile, not what there is.
    """
    most, records = parts.settings.history_entries, parts.store.of(LoginRecord)
    while new := await records.find(Find((Range("created_at", low=since),), sort="created_at", limit=BATCH)):
        for user in {record.user for record in new}:
            find = Find((Equal("user", user),), sort="-created_at", offset=most, limit=BATCH)
            while many := await records.find(find):
                await _remove(parts, many)
        since = new[-1].created_at + INSTANT
    return since - OVERLAP


async def sweep_sessions(parts: Parts) -> None:
    """Remove sessions whose last token has expired."""
    now = parts.clock()
    while old := await parts.store.of(Session).find(Find((Range("expires_at", high=now),), limit=BATCH)):
        idents = tuple(session.id for session in old)
        await parts.store.transact(commands.sweep_sessions, idents, at=now)


async def _remove(parts: Parts, records: Sequence[LoginRecord]) -> None:
    if records:
        await parts.store.transact(commands.sweep_records, tuple(record.name for record in records))
