"""One group: what it has had, what is under way, and which subject waits for what.

Messages of one subject are a lane: only its head is handed out. New messages arrive from memory while the group keeps
up; one that fell behind its window reads the log until it has caught up.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.shared.bus.embedded import positions
from libs.shared.bus.embedded.news import News
from libs.shared.bus.embedded.state import State
from libs.shared.bus.protocol import Message, Unreadable
from libs.shared.bus.types import Types
from libs.shared.values import Clock

WINDOW = 4096
"""Messages of a group that are held in memory: under way, waiting behind their subject's head, or ready."""
_PAGE = 512
_MEANWHILE = 64
"""Publications kept while the log is being read."""

Lane = tuple[str, str]
Load = Callable[[int, Types, int, int], Awaitable[tuple[Sequence[Message | Unreadable], int]]]
"""`(after, types, limit, end)` -> messages, and the position up to which was looked."""
Pending = Callable[[int, Types], Awaitable[tuple[int, int]]]


@dataclass(slots=True, eq=False)
class Entry:
    """One message that the group holds. `until` is when its time runs out, while it is under way."""

    position: int
    message: Message | Unreadable
    lane: Lane
    attempt: int = 0
    flying: bool = False
    until: float = 0


class Core:
    """A group as all its copies in this process share it."""

    def __init__(self, name: str, types: Types, state: State, *, clock: Clock, ack_wait: float) -> None:
        self.name = name
        self.types = types
        self.joined = 0
        self.dirty = False
        self.scanned = state.floor
        self.news = News()
        self._state = state
        self._clock = clock
        self._ack_wait = ack_wait
        self._held: OrderedDict[int, Entry] = OrderedDict()
        self._lanes: dict[Lane, deque[Entry]] = {}
        self._ready: deque[Entry] = deque()
        self._flying: OrderedDict[int, Entry] = OrderedDict()
        self._delayed: list[tuple[float, int]] = []
        self._loading = False
        self._meanwhile: list[tuple[int, Sequence[tuple[int, Message]]]] = []

    def offer(self, previous: int, news: Sequence[tuple[int, Message]]) -> None:
        """Take what was just published after `previous`, if the group has everything before and has room."""
        if not self.joined:
            return
        if self._loading:
            if len(self._meanwhile) < _MEANWHILE:
                self._meanwhile.append((previous, news))
        else:
            self._follow(previous, news)
        self.news.spread()

    def _follow(self, previous: int, news: Sequence[tuple[int, Message]]) -> None:
        if previous > self.scanned or len(self._held) >= WINDOW:
            return
        has = self.types.has
        for position, message in news:
            if position > self.scanned and has(message.envelope.type):
                self._take(position, message)
        self.scanned = max(self.scanned, news[-1][0])

    def _take(self, position: int, message: Message | Unreadable) -> None:
        if position in self._state.done:
            return
        lane = (
            (message.envelope.source, message.envelope.subject)
            if isinstance(message, Message)
            else ("", message.position)
        )
        entry = Entry(position, message, lane, self._state.attempts.get(position, 0))
        self._held[position] = entry
        queue = self._lanes.get(lane)
        if queue is None:
            self._lanes[lane] = deque((entry,))
            self._ready.append(entry)
        else:
            queue.append(entry)

    def wants(self, end: int) -> bool:
        """Whether there is something to read on in the log, room for it, and nobody reading."""
        return self.scanned < end and len(self._held) < WINDOW and not self._loading

    async def fill(self, load: Load, end: int) -> None:
        """Read on in the log, then take what was published meanwhile."""
        self._loading = True
        try:
            messages, scanned = await load(self.scanned, self.types, min(_PAGE, WINDOW - len(self._held)), end)
            for message in messages:
                self._take(positions.number(message.position), message)
            self.scanned = max(self.scanned, scanned)
        finally:
            self._loading = False
            meanwhile, self._meanwhile = self._meanwhile, []
            for previous, news in meanwhile:
                self._follow(previous, news)
            self.news.spread()

    def take(self, limit: int) -> list[Entry]:
        """Hand out up to `limit`, after returning to the ready what ran out of time or has waited long enough."""
        now = self._clock.monotonic()
        self._return_due(now)
        taken: list[Entry] = []
        while self._ready and len(taken) < limit:
            entry = self._ready.popleft()
            entry.attempt += 1
            entry.flying = True
            entry.until = now + self._ack_wait
            if entry.attempt > 1:
                self._state.attempts[entry.position] = entry.attempt
                self.dirty = True
            self._flying[entry.position] = entry
            taken.append(entry)
        return taken

    def _return_due(self, now: float) -> None:
        while self._flying:
            entry = next(iter(self._flying.values()))
            if entry.until > now:
                break
            self._land(entry)
            self._ready.append(entry)
        while self._delayed and self._delayed[0][0] <= now:
            _, position = heapq.heappop(self._delayed)
            delayed = self._held.get(position)
            if delayed is not None and not delayed.flying:
                self._ready.append(delayed)

    def _land(self, entry: Entry) -> None:
        entry.flying = False
        del self._flying[entry.position]

    def next_due(self) -> float:
        """When something returns to the ready by itself, in monotonic seconds."""
        due = self._delayed[0][0] if self._delayed else float("inf")
        return min(due, next(iter(self._flying.values())).until) if self._flying else due

    def ack(self, entry: Entry) -> None:
        """The entry is handled; a second time, or after its copy left the group, it changes nothing more."""
        if self._held.get(entry.position) is not entry:
            return
        del self._held[entry.position]
        if entry.flying:
            self._land(entry)
        else:
            self._unready(entry)
        self._state.done.add(entry.position)
        self._state.attempts.pop(entry.position, None)
        self.dirty = True
        queue = self._lanes[entry.lane]
        queue.popleft()
        if queue:
            self._ready.append(queue[0])
            self.news.spread()
        else:
            del self._lanes[entry.lane]

    def _unready(self, entry: Entry) -> None:
        """It ran out of time and waits to be handed out again: not any more."""
        if entry in self._ready:
            self._ready.remove(entry)

    def nak(self, entry: Entry, attempt: int, delay: float) -> None:
        """Hand it out again after `delay` seconds; a nak of an earlier delivery changes nothing."""
        if entry.flying and entry.attempt == attempt and self._held.get(entry.position) is entry:
            self._land(entry)
            heapq.heappush(self._delayed, (self._clock.monotonic() + delay, entry.position))
            self.news.spread()

    def working(self, entry: Entry, attempt: int) -> None:
        """Give it its whole time again."""
        if entry.flying and entry.attempt == attempt:
            entry.until = self._clock.monotonic() + self._ack_wait
            self._flying.move_to_end(entry.position)

    def saved(self) -> tuple[str, str, str]:
        """The durable state, compacted: everything below the first open message is told by `floor` alone."""
        first = next(iter(self._held), None)
        self._state.floor = self.scanned if first is None else first - 1
        self._state.done = {position for position in self._state.done if position > self._state.floor}
        self.dirty = False
        return self.name, "\n".join(self.types.patterns), self._state.text()

    async def lag(self, pending: Pending, end: int) -> tuple[int, datetime | None]:
        """How many are open, in memory and in the log, and when the oldest was sent."""
        later, since = await pending(self.scanned, self.types) if self.scanned < end else (0, 0)
        if self._held:
            return len(self._held) + later, next(iter(self._held.values())).message.sent
        return later, positions.moment(since) if since else None

    @property
    def lost(self) -> int:
        """How many messages retention removed before the group had them."""
        return self._state.lost

    def had(self) -> int:
        """Up to where retention may remove without this group missing anything: what it holds in memory is safe while
        it is joined, and is still kept in the log for a crash.
        """
        first = next(iter(self._held), None)
        return self.scanned if first is None else first - 1

    def trimmed(self, floor: int, lost: int) -> None:
        """Retention removed everything up to `floor`, `lost` of it before the group had read it."""
        if lost:
            self._state.lost += lost
            self.dirty = True
        self.scanned = max(self.scanned, floor)

    def leave(self) -> None:
        """The last copy left: forget what is in memory, and begin again at the first open message."""
        self.saved()
        self.scanned = self._state.floor
        self._held.clear()
        self._lanes.clear()
        self._ready.clear()
        self._flying.clear()
        self._delayed.clear()
        self.dirty = True
