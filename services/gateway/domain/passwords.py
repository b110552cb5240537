"""Passwords that were verified a moment ago, so that Basic authentication doesn't hash on every request.

Kept by a keyed hash under a key that never leaves memory, for a short time, a bounded number; cut at once when the
account or its password changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from libs.shared.values import Secret


@dataclass(frozen=True, slots=True)
class _Entry:
    user: str
    until: float


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Passwords:
    """A positive cache; what is wrong is never remembered."""

    def __init__(self, key: bytes, life: float, size: int) -> None:
        self._key = key
        self._life = life
        self._size = size
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lines: dict[bytes, _Line] = {}
        self._cuts = 0

    @property
    def cuts(self) -> int:
        """How often something was cut. Read before a verification and given to `note`, so that an outcome that a change
        has overtaken is not remembered.
        """
        return self._cuts

    def look(self, username: str, password: Secret, now: float) -> str | None:
        """The user whose password this is, if it was verified recently."""
        digest = self._digest(username, password)
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if now >= entry.until:
            del self._entries[digest]
            return None
        return entry.user

    def note(self, username: str, password: Secret, user: str, now: float, cuts: int) -> None:
        """Remember a verified password, unless anything was cut since `cuts` was read."""
        if cuts != self._cuts or self._life <= 0:
            return
        self._entries[self._digest(username, password)] = _Entry(user, now + self._life)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    @asynccontextmanager
    async def alone(self, username: str, password: Secret) -> AsyncIterator[None]:
        """One at a time with equal credentials: who comes next may find them verified."""
        digest = self._digest(username, password)
        line = self._lines.setdefault(digest, _Line())
        line.length += 1
        try:
            async with line.lock:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[digest]

    def cut(self, users: frozenset[str]) -> None:
        """Forget what is remembered of these accounts."""
        if not users:
            return
        self._cuts += 1
        for digest in [digest for digest, entry in self._entries.items() if entry.user in users]:
            del self._entries[digest]

    def _digest(self, username: str, password: Secret) -> bytes:
        text = f"{len(username)}:{username}{password.reveal()}".encode()
        return hmac.new(self._key, text, hashlib.sha256).digest()
