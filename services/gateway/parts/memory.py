"""All that the gateway remembers, and how an event changes it: the index, its sources, streams, passwords, tokens."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from libs.shared.errors import Busy
from libs.shared.event import Event
from services.gateway.domain.changes import apply, source_of
from services.gateway.domain.effect import Effect
from services.gateway.domain.index import Index
from services.gateway.domain.passwords import Passwords
from services.gateway.domain.shelf import ACCOUNTS, SOURCES
from services.gateway.domain.sources import Sources
from services.gateway.domain.streams import Streams
from services.gateway.domain.tokens import Tokens
from services.gateway.parts.looks import Looks
from services.gateway.parts.told import Told

MOST_BEHIND = 200_000


@dataclass(frozen=True, slots=True)
class Late:
    """An event that came while a snapshot was being loaded."""

    event: Event
    version: int
    at: datetime


@dataclass(slots=True)
class Loading:
    """A source's snapshot: whether one is wanted, and what came since that was so."""

    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    late: deque[Late] | None = None

    def keep(self, late: Late) -> None:
        """For the snapshot that is being loaded, if one is."""
        if self.late is not None and len(self.late) <= MOST_BEHIND:
            self.late.append(late)


@dataclass(slots=True)
class Memory:
    """Changed by followers only, one event at a time."""

    sources: Sources
    streams: Streams
    passwords: Passwords
    tokens: Tokens
    told: Told
    index: Index = field(default_factory=Index)
    loadings: dict[str, Loading] = field(default_factory=lambda: {source: Loading() for source in SOURCES})
    looks: Looks = field(default_factory=Looks)
    lost: frozenset[str] = frozenset()
    """Sources that were lost when they were last looked at."""

    def begin(self, now: float) -> None:
        """The tail stands anew: ask for snapshots, and keep what comes meanwhile. Events may have been missed, so no
        decision rests on a source until its snapshot stands.
        """
        for source, loading in self.loadings.items():
            self.sources.begin(source, now)
            loading.late = deque()
            loading.wanted.set()

    def believe(self, now: float) -> Index:
        """The index, with what is not to be believed now closed. Decide at once: time goes on."""
        self.index.closed = self.sources.stale(SOURCES, now)
        return self.index

    def take(self, event: Event, version: int, at: datetime) -> None:
        """Take an event in, at once, and for the snapshot that is being loaded besides."""
        effect = apply(self.index, event, version, at)
        loading = self.loadings.get(source_of(type(event)))
        if loading is not None:
            loading.keep(Late(event, version, at))
        self.looks.look(self.index)
        self._follow_up(effect)

    def loading(self, source: str) -> deque[Late] | None:
        """What came since `begin`: a mark of this load, given to `adopt`."""
        loading = self.loadings[source]
        loading.wanted.clear()
        return loading.late

    def adopt(self, source: str, staged: Index, late: deque[Late] | None) -> None:
        """The source's snapshot has been read to its end: let what came meanwhile count on top of it, and decide by it
        from now on. Raises `Busy` when the load was overtaken by another, or by more events than are kept.
        """
        loading = self.loadings[source]
        if late is None or late is not loading.late or len(late) > MOST_BEHIND:
            loading.wanted.set()
            raise Busy("snapshot-overtaken", "the snapshot was overtaken by events; it is loaded again")
        for item in late:
            apply(staged, item.event, item.version, item.at)
        loading.late = None
        closed = [name for name in self.index.users if not _active(staged, name)] if source == ACCOUNTS else []
        self.index.adopt(staged, source)
        self.sources.load(source)
        self.looks.look(self.index)
        if source == ACCOUNTS:
            self.streams.cut_users(closed, "account closed")
            self._cut_passwords(frozenset(self.index.users) | frozenset(closed))
            self.streams.cut_sessions(frozenset(self.index.ended), "session ended")
        self.streams.check(None)

    def look(self, now: float) -> None:
        """End what rests on a source that is lost: all of it where that is accounts, else what would be decided
        otherwise without it.
        """
        before, self.lost = self.lost, frozenset(s for s in SOURCES if self.sources.lost(s, now))
        if ACCOUNTS in self.lost:
            self.streams.cut_all("index stale")
        elif self.lost - before:
            self.index.closed = self.lost
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
