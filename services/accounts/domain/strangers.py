"""Failed attempts under names that nobody has, counted like those of users: so that a limit doesn't tell who there is.

In memory, since anybody can invent names: a bounded number, the one that was longest left alone goes first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from services.accounts.domain import login
from services.accounts.domain.login import Attempts, Limits
from services.accounts.domain.user import email_key


@dataclass(frozen=True, slots=True)
class _Kept:
    attempts: Attempts
    locked_until: datetime | None = None


class Strangers:
    """`most` names are remembered, by their digests."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def reserve(self, account: str, ident: str, *, at: datetime, limits: Limits) -> bool:
        """As `login.reserve`: False where others are to be waited for. Raises `Limited`."""
        kept = self._look(account)
        if kept.locked_until is not None and kept.locked_until <= at:
            kept = _Kept(Attempts(user="-"))
        attempts = login.reserve(kept.attempts, ident, locked=kept.locked_until is not None, at=at, limits=limits)
        if attempts is not None:
            self._keep(account, _Kept(attempts))
        return attempts is not None

    def fail(self, account: str, ident: str, *, at: datetime, limits: Limits) -> None:
        """The attempt ended, as each of them does, with a wrong password."""
        attempts = login.failed(self._look(account).attempts, ident, at=at, limits=limits)
        locked = len(attempts.failures) >= limits.tries
        self._keep(account, _Kept(attempts, at + limits.window if locked else None))

    def release(self, account: str, ident: str) -> None:
        """The password could not be looked at."""
        kept = self._look(account)
        self._keep(account, _Kept(kept.attempts.without(ident), kept.locked_until))

    def _look(self, account: str) -> _Kept:
        return self._kept.get(_digest(account)) or _Kept(Attempts(user="-"))

    def _keep(self, account: str, kept: _Kept) -> None:
        digest = _digest(account)
        self._kept[digest] = kept
        self._kept.move_to_end(digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _digest(account: str) -> bytes:
    same = email_key(account) if "@" in account else account
    return hashlib.blake2b(same.encode(errors="surrogatepass"), digest_size=16).digest()
