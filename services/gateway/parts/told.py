"""Which events the index has seen, and waiting for one: so that a write's reply leaves when it counts here."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable


class Told:
    """The ids of the last events, bounded, and those who wait for the next."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def note(self, event_id: str) -> None:
        """The event counts in the index from now on."""
        self._seen[event_id] = None
        while len(self._seen) > self._size:
            self._seen.popitem(last=False)
        for future in self._waiting.pop(event_id, ()):
            if not future.done():
                future.set_result(None)

    async def wait(self, event_ids: Iterable[str], seconds: float) -> bool:
        """Return True when all of them were seen, False when this much time has passed."""
        missing = [event_id for event_id in event_ids if event_id not in self._seen]
        if not missing:
            return True
        futures = {event_id: asyncio.get_running_loop().create_future() for event_id in missing}
        for event_id, future in futures.items():
            self._waiting.setdefault(event_id, []).append(future)
        try:
            _, pending = await asyncio.wait(futures.values(), timeout=seconds)
            return not pending
        finally:
            for event_id, future in futures.items():
                self._forget(event_id, future)

    def _forget(self, event_id: str, future: asyncio.Future[None]) -> None:
        future.cancel()
        waiting = self._waiting.get(event_id)
        if waiting is None:
            return
        waiting[:] = [other for other in waiting if other is not future]
        if not waiting:
            del self._waiting[event_id]
