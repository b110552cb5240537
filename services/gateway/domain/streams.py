"""Open streams by user and session: cut when the account closes, the session ends, or what was allowed is no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from libs.shared.errors import Limited
from services.gateway.domain.caller import Caller


@dataclass(eq=False, slots=True)
class Stream:
    """One open stream, as it was decided. `cut` ends it and may be called more than once."""

    caller: Caller
    answers: Mapping[str, Any]
    again: Callable[[], Mapping[str, Any] | None]
    """Decides anew: the answers as of now, or None when it would be refused."""
    cut: Callable[[str], None] = field(repr=False)


class Streams:
    """A bounded registry."""

    def __init__(self, most: int, most_per_user: int) -> None:
        self._most = most
        self._most_per_user = most_per_user
        self._count = 0
        self._by_user: dict[str, set[Stream]] = {}

    def __len__(self) -> int:
        return self._count

    def open(self, stream: Stream) -> None:
        """Register one; raises `Limited`."""
        own = self._by_user.get(stream.caller.user, ())
        if self._count >= self._most or len(own) >= self._most_per_user:
            raise Limited("streams", "too many open streams; close one and try again", retry_after=5)
        self._by_user.setdefault(stream.caller.user, set()).add(stream)
        self._count += 1

    def close(self, stream: Stream) -> None:
        """It has ended."""
        own = self._by_user.get(stream.caller.user)
        if own is None or stream not in own:
            return
        own.remove(stream)
        self._count -= 1
        if not own:
            del self._by_user[stream.caller.user]

    def cut_users(self, users: Iterable[str], reason: str) -> None:
        """End everything of these users."""
        self._cut([s for user in users for s in self._by_user.get(user, ())], reason)

    def cut_passwords(self, users: Iterable[str], reason: str) -> None:
        """End what these users opened with their password: it rests on no session that could end."""
        own = [s for user in users for s in self._by_user.get(user, ())]
        self._cut([s for s in own if not s.caller.session], reason)

    def cut_sessions(self, sessions: frozenset[str], reason: str) -> None:
        """End everything of these sessions."""
        if sessions:
            self._cut([s for s in self._all() if s.caller.session in sessions], reason)

    def cut_expired(self, now: datetime) -> None:
        """End what was opened with a token that has expired since."""
        self._cut([s for s in self._all() if s.caller.expires is not None and s.caller.expires <= now], "expired")

    def cut_all(self, reason: str) -> None:
        """End everything."""
        self._cut(list(self._all()), reason)

    def check(self, users: Iterable[str] | None) -> None:
        """End what would be refused now, or answered otherwise; of these users, or of all for None."""
        looked_at = self._all() if users is None else [s for user in users for s in self._by_user.get(user, ())]
        self._cut([s for s in looked_at if s.again() != s.answers], "changed")

    def _all(self) -> list[Stream]:
        return [stream for own in self._by_user.values() for stream in own]

    @staticmethod
    def _cut(streams: Iterable[Stream], reason: str) -> None:
        for stream in streams:
            stream.cut(reason)
