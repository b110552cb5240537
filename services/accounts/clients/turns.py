"""Attempts at one account that wait for those before them: a right password isn't refused for others under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from libs.shared.bell import Bell
from libs.shared.values import Clock
from services.accounts.domain.login import limited
from services.accounts.domain.strangers import Strangers

R = TypeVar("R")
MOST = 64
"""How many may wait for one account."""
LONGEST = 10.0
"""Seconds that one waits at most."""
LOOK_AGAIN = 0.1
"""Seconds after which it is looked again, for attempts that another process settles."""


@dataclass(slots=True)
class _Line:
    bell: Bell
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass(slots=True)
class _Door:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Turns:
    """In this process; the first in line alone asks the store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.strangers = Strangers()
        self._lines: dict[str, _Line] = {}
        self._doors: dict[str, _Door] = {}

    async def reserved(self, account: str, reserve: Callable[[], Awaitable[R | None]]) -> R:
        """What `reserve` gives, as soon as it gives something. Raises `Limited` when that takes too long, or too many
        wait.
        """
        line = self._lines.setdefault(account, _Line(Bell(self._clock)))
        if line.waiting >= MOST:
            raise limited()
        line.waiting += 1
        until = self._clock.monotonic() + LONGEST
        try:
            async with line.lock:
                while (found := await reserve()) is None:
                    if self._clock.monotonic() >= until:
                        raise limited()
                    await line.bell.wait(LOOK_AGAIN)
                return found
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[account]

    @asynccontextmanager
    async def unit(self, account: str) -> AsyncIterator[None]:
        """Units about one account one after another: at once they would only make each other run again."""
        door = self._doors.setdefault(account, _Door())
        door.users += 1
        try:
            async with door.lock:
                yield
        finally:
            door.users -= 1
            if not door.users:
                del self._doors[account]

    def settled(self, account: str) -> None:
        """An attempt at it has ended."""
        line = self._lines.get(account)
        if line is not None:
            line.bell.ring()
