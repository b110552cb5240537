"""Passwords that were verified a moment ago, so that Basic authentication doesn't hash on every request.

Kept by a keyed hash under a key that never leaves memory, for a short time, a bounded number; cut at once when the
account or its password changes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass

from libs.shared.values import Secret


@dataclass(frozen=True, slots=True)
class _Entry:
    user: str
    until: float


class Passwords:
    """A positive cache; what is wrong is never remembered."""

    def __init__(self, key: bytes, life: float, size: int) -> None:
        self._key = key
        self._life = life
        self._size = size
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._cuts = 0

    @property
    def cuts(self) -> int:
        """How often something was cut. Read before a verification and given to `note`, so that an outcome that a change
        has overtaken is not remembered.
        """
        return self._cuts

    def look(self, username: str, password: Secret, now: float) -> str | None:
        """The user whose password this is, if it was verified recently."""
        digest = self.digest(username, password)
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
        self._entries[self.digest(username, password)] = _Entry(user, now + self._life)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def cut(self, users: frozenset[str]) -> None:
        """Forget what is remembered of these accounts."""
        if not users:
            return
        self._cuts += 1
        for digest in [digest for digest, entry in self._entries.items() if entry.user in users]:
            del self._entries[digest]

    def digest(self, username: str, password: Secret) -> bytes:
        """What stands for these credentials, in this process alone."""
        text = f"{len(username)}:{username}{password.reveal()}".encode()
        return hmac.new(self._key, text, hashlib.sha256).digest()
