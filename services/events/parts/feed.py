"""The newest entries in memory, encoded once, for all streams of this process."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from libs.shared.bell import Bell
from libs.shared.errors import Busy, Limited
from libs.shared.event import Event
from services.events.domain.entry import Entry
from services.events.domain.sight import bearing

MOST_BYTES = 16 << 20


class Frame:
    """One entry as streams send it: the bytes are made when the first stream wants them, and shared by all."""

    __slots__ = ("_encode", "_wire", "bears", "entry")

    def __init__(self, entry: Entry, encode: Callable[[Entry], bytes]) -> None:
        self.entry = entry
        self.bears: Event | None = bearing(entry)
        self._encode = encode
        self._wire = b""

    @property
    def wire(self) -> bytes:
        """The bytes."""
        if not self._wire:
            self._wire = self._encode(self.entry)
        return self._wire


class Feed:
    """A window on the end of the log: the last `depth` entries, and everybody who waits for the next.

    A stream keeps nothing but its position, so the window bounds what all of them together hold.
    """

    def __init__(self, encode: Callable[[Entry], bytes], position: int, depth: int, bell: Bell) -> None:
        self.position = position
        """Of the last entry that is known here."""
        self.bell = bell
        """Rung when there are entries to publish."""
        self.beats = 0
        self.closed = False
        self._encode = encode
        self._frames: deque[Frame] = deque()
        self._depth = depth
        self._bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._users: Counter[str] = Counter()

    @property
    def followed(self) -> bool:
        """Whether any stream is open."""
        return bool(self._users)

    @contextmanager
    def joined(self, user: str, *, most: int, most_of_user: int) -> Iterator[None]:
        """Count one stream; raises `Limited` when the user has too many, `Busy` when there are too many in all."""
        if self._users[user] >= most_of_user:
            raise Limited("streams", f"{user} has {most_of_user} streams open: no more are accepted", retry_after=5)
        if self._users.total() >= most or self.closed:
            raise Busy("streams", "no more streams can be opened now", retry_after=5)
        self._users[user] += 1
        try:
            yield
        finally:
            self._users[user] -= 1
            self._users += Counter()  # drops those at zero

    def publish(self, entries: Sequence[Entry]) -> None:
        """The entries that follow, without a gap."""
        for entry in entries:
            self._frames.append(Frame(entry, self._encode))
            self._bytes += len(entry.data)
        while len(self._frames) > self._depth or (self._bytes > MOST_BYTES and len(self._frames) > 1):
            self._bytes -= len(self._frames.popleft().entry.data)
        self.position = entries[-1].position
        self._wake()

    def skip(self, position: int) -> None:
        """Nobody follows: forget the window and stand there."""
        self._frames.clear()
        self._bytes = 0
        self.position = position

    def holds(self, position: int) -> bool:
        """Whether everything after this position is in the window, or still to come."""
        return position >= self.position - len(self._frames)

    def after(self, position: int) -> tuple[Frame, ...]:
        """The frames after a position that the feed holds."""
        return tuple(islice(self._frames, max(0, len(self._frames) - (self.position - position)), None))

    def beat(self) -> None:
        """Wake every stream to say that it is alive."""
        self.beats += 1
        self._wake()

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        self._wake()

    async def wait(self) -> None:
        """Return at the next entries, beat, or closing."""
        woken = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            await woken
        finally:
            self._waiting.discard(woken)

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
