"""Waiting for the index to say something: a write's reply leaves when it counts here, also where no event is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.gateway.domain.index import Index

Says = Callable[[Index], bool]


class Looks:
    """Those who wait, each for what it wants the index to say; they are asked when it has changed."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Says] = {}

    def look(self, index: Index) -> None:
        """The index has changed: let go whose wish it fulfils."""
        for future, says in self._waiting.items():
            if not future.done() and says(index):
                future.set_result(None)

    async def until(self, says: Says, index: Index, seconds: float) -> bool:
        """Return True when the index says so, False when this much time has passed."""
        if says(index):
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = says
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            del self._waiting[future]
        return True
