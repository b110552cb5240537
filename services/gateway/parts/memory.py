"""All that the gateway remembers, and how an event changes it: the index, its sources, streams, passwords, tokens."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from libs.shared.errors import Busy
from libs.shared.event import Event
from services.gateway.domain.feed import Effect, apply
from services.gateway.domain.index import Index
from services.gateway.domain.passwords import Passwords
from services.gateway.domain.sources import Sources
from services.gateway.domain.streams import Streams
from services.gateway.domain.tokens import Tokens
from services.gateway.parts.told import Told

ACCOUNTS = "accounts"
MOST_BEHIND = 200_000


@dataclass(frozen=True, slots=True)
class Late:
    """An event that came while a snapshot was being loaded."""

    event: Event
    version: int
    at: datetime


@dataclass(slots=True)
class Memory:
    """Changed by followers only, one event at a time."""

    sources: Sources
    streams: Streams
    passwords: Passwords
    tokens: Tokens
    told: Told
    index: Index = field(default_factory=Index)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a snapshot is wanted."""
    _late: deque[Late] | None = None

    def begin(self, now: float) -> None:
        """The tail stands anew: ask for a snapshot, and keep what comes meanwhile. Events may have been missed, so no
        decision rests on the index until the snapshot stands.
        """
        self.sources.begin(ACCOUNTS, now)
        self._late = deque()
        self.wanted.set()

    def take(self, event: Event, version: int, at: datetime) -> None:
        """Take an event in, at once, and for the snapshot that is being loaded besides."""
        effect = apply(self.index, event, version, at)
        if self._late is not None and len(self._late) <= MOST_BEHIND:
            self._late.append(Late(event, version, at))
        self._follow_up(effect)

    def loading(self) -> deque[Late] | None:
        """What came since `begin`: a mark of this load, given to `adopt`."""
        self.wanted.clear()
        return self._late

    def adopt(self, staged: Index, late: deque[Late] | None) -> None:
        """The snapshot has been read to its end: let what came meanwhile count on top of it, and decide by it from now
        on. Raises `Busy` when the load was overtaken by another, or by more events than are kept.
        """
        if late is None or late is not self._late or len(late) > MOST_BEHIND:
            self.wanted.set()
            raise Busy("snapshot-overtaken", "the snapshot was overtaken by events; it is loaded again")
        for item in late:
            apply(staged, item.event, item.version, item.at)
        self._late = None
        closed = [name for name in self.index.users if not _active(staged, name)]
        self.index.adopt(staged)
        self.sources.load(ACCOUNTS)
        self.streams.cut_users(closed, "account closed")
        self._cut_passwords(frozenset(self.index.users) | frozenset(closed))
        self.streams.cut_sessions(frozenset(self.index.ended), "session ended")
        self.streams.check(None)

    def _follow_up(self, effect: Effect) -> None:
        self.streams.cut_users(effect.cut_users, "account closed")
        self._cut_passwords(effect.passwords)
        self.streams.cut_sessions(effect.cut_sessions, "session ended")
        if effect.everybody:
            self.streams.check(None)
        elif effect.users:
            self.streams.check(effect.users)

    def _cut_passwords(self, users: frozenset[str]) -> None:
        """Who was let in by a password, which is or may be another now, gives it anew: remembered ones are forgotten,
        streams that they opened end.
        """
        self.passwords.cut(users)
        self.streams.cut_passwords(users, "password changed")


def _active(index: Index, name: str) -> bool:
    user = index.users.get(name)
    return user is not None and user.active
