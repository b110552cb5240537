"""One attempt at an account's password, whoever asks: its turn, its reservation, and the look outside any unit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.shared.values import Secret
from services.accounts.clients.passwords import Verdict
from services.accounts.commands import session as commands
from services.accounts.commands.session import Crowded, Reserved
from services.accounts.parts import Parts


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of it; nothing is reserved where there is no such account."""

    reserved: Reserved | None
    verdict: Verdict


@asynccontextmanager
async def attempted(parts: Parts, account: str, password: Secret, address: str) -> AsyncIterator[Looked]:
    """The look at it, to be settled in the block; whatever the block doesn't come to the end of counts for nothing.

    Raises `Limited`, `Busy`. A name that nobody has takes as long as a wrong password, and has the same limit.
    """
    ident, ended = parts.ids(), False
    reserved = (await parts.turns.reserved(account, lambda: _reserve(parts, account, ident))).reserved
    try:
        verdict = await parts.passwords.verify(password, reserved.hash if reserved else None, address)
        async with parts.turns.unit(account):
            yield Looked(reserved, verdict)
        ended = True
    finally:
        try:
            await _end(parts, account, ident, reserved, ended=ended)
        finally:
            parts.turns.settled(account)


@dataclass(frozen=True, slots=True)
class _Turn:
    reserved: Reserved | None


async def _reserve(parts: Parts, account: str, ident: str) -> _Turn | None:
    at, limits = parts.clock(), parts.limits
    async with parts.turns.unit(account):
        found = await parts.store.transact(commands.reserve_attempt, account, ident, at=at, limits=limits)
    if found is None:
        return _Turn(None) if parts.turns.strangers.reserve(account, ident, at=at, limits=limits) else None
    return None if isinstance(found, Crowded) else _Turn(found)


async def _end(parts: Parts, account: str, ident: str, reserved: Reserved | None, *, ended: bool) -> None:
    if reserved is not None:
        if not ended:
            await parts.store.transact(commands.release_attempt, reserved)
    elif ended:
        parts.turns.strangers.fail(account, ident, at=parts.clock(), limits=parts.limits)
    else:
        parts.turns.strangers.release(account, ident)
