"""A live tail's end: a bounded buffer between the publisher and one reader."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.bus.embedded.news import News
from libs.shared.bus.protocol import Beat, Message, Unreadable
from libs.shared.bus.types import Types
from libs.shared.errors import Broken, Busy

Item = Message | Unreadable | Beat


class Tail:
    """Fed on the event loop, drained by one reader; a reader that falls behind the bound is cut."""

    def __init__(self, types: Types, bound: int) -> None:
        self._types = types
        self._bound = bound
        self._items: list[Item] = []
        self._news = News()
        self._over = False
        self._closed = False

    def offer(self, messages: Sequence[tuple[int, Message]]) -> None:
        """What was just published."""
        has = self._types.has
        self._add([message for _, message in messages if has(message.envelope.type)])

    def beat(self, beat: Beat) -> None:
        """A sign of life, in its place between the messages."""
        self._add([beat])

    def _add(self, items: Sequence[Item]) -> None:
        if not items or self._over:
            return
        if len(self._items) + len(items) > self._bound:
            self._over = True
            self._items.clear()
        self._items.extend(() if self._over else items)
        self._news.spread()

    def close(self) -> None:
        """The bus closes: the reader is told."""
        self._closed = True
        self._news.spread()

    async def drain(self) -> Sequence[Item]:
        """What came since; waits for something. Raises `Busy` when the reader fell behind, `Broken` at the end."""
        while not self._items:
            if self._closed:
                raise Broken("bus-closed", "the bus is closed")
            if self._over:
                raise Busy("tail-behind", f"the reader fell {self._bound} messages behind; open again where it stands")
            await self._news.wait()
        items, self._items = self._items, []
        return items
