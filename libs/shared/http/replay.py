"""Which single-use numbers have been used: kept for as long as they could be used again, and bounded."""

from __future__ import annotations

from collections import deque
from typing import Final

from libs.shared.errors import Busy

MOST: Final = 131_072
"""Writes within the life of an identity: four thousand a second."""


class Nonces:
    """A full memory refuses rather than forgets: what it forgot could be used again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._used: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def take(self, nonce: str, *, now: float, until: float) -> bool:
        """Use it: False when it was used before. Times in seconds since the epoch; it is kept to `until`.

        Raises `Busy` when as many are alive as are kept.
        """
        while self._order and self._order[0][0] < now:
            self._used.discard(self._order.popleft()[1])
        if nonce in self._used:
            return False
        if len(self._used) >= self._most:
            raise Busy("identity-memory-full", "too many writes at once; try again", retry_after=1)
        self._used.add(nonce)
        self._order.append((until, nonce))
        return True

    def __len__(self) -> int:
        return len(self._used)
