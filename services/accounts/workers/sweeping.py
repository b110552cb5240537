"""Removes records of sign-ins that are old or too many, and sessions whose tokens have all expired (spec 4.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from libs.shared.store.protocol import Equal, Find, Range
from services.accounts.commands import session as commands
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.session import Session
from services.accounts.domain.user import User
from services.accounts.parts import Parts

BATCH = 500
"""How many are removed in one unit."""


async def sweep(parts: Parts) -> None:
    """Sweep now and then, for ever."""
    while True:
        await sweep_old_records(parts)
        await sweep_many_records(parts)
        await sweep_sessions(parts)
        await parts.clock.sleep(parts.settings.sweep_seconds)


async def sweep_old_records(parts: Parts) -> None:
    """Remove records that are older than they are kept."""
    before = parts.clock() - timedelta(hours=parts.settings.history_hours)
    while old := await parts.store.of(LoginRecord).find(Find((Range("created_at", high=before),), limit=BATCH)):
        await _remove(parts, old)


async def sweep_many_records(parts: Parts) -> None:
    """Of each user keep the newest records only."""
    most = parts.settings.history_entries
    for user in await parts.store.of(User).find():
        find = Find((Equal("user", user.name),), sort="-created_at", offset=most, limit=BATCH)
        await _remove(parts, await parts.store.of(LoginRecord).find(find))


async def sweep_sessions(parts: Parts) -> None:
    """Remove sessions whose last token has expired."""
    now = parts.clock()
    while old := await parts.store.of(Session).find(Find((Range("expires_at", high=now),), limit=BATCH)):
        idents = tuple(session.id for session in old)
        await parts.store.transact(commands.sweep_sessions, idents, at=now)


async def _remove(parts: Parts, records: Sequence[LoginRecord]) -> None:
    if records:
        await parts.store.transact(commands.sweep_records, tuple(record.name for record in records))
