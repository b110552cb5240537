"""All groups of a log: their cursors, written behind, and the retention that respects them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from libs.shared.bus.embedded import positions
from libs.shared.bus.embedded.group import Core
from libs.shared.bus.embedded.log import Log, Trim, Trimmed
from libs.shared.bus.embedded.state import State
from libs.shared.bus.protocol import Message
from libs.shared.bus.types import Types
from libs.shared.errors import Conflict, Fault
from libs.shared.values import Clock

_SAVE_EVERY = 0.25
"""Seconds between two writes of the groups' acknowledgements."""
_TRIM_EVERY = 30.0

Write = Callable[[Callable[[Log], Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one log, as `open_bus` explains them."""

    retention_age: timedelta
    retention_bytes: int
    max_message: int
    ack_wait: float


class Groups:
    """The groups that the log knows, joined or not. `floor` is the highest position that retention removed."""

    def __init__(
        self, write: Write, clock: Clock, limits: Limits, *, floor: int, kept: Mapping[str, tuple[str, str]]
    ) -> None:
        self.floor = floor
        self._write = write
        self._clock = clock
        self._limits = limits
        self._cores = {
            name: self._core(name, Types(types.split("\n")), State.parsed(state))
            for name, (types, state) in kept.items()
        }

    def _core(self, name: str, types: Types, state: State) -> Core:
        return Core(name, types, state, clock=self._clock, ack_wait=self._limits.ack_wait)

    def known(self, name: str) -> Core | None:
        """The group of this name."""
        return self._cores.get(name)

    async def make(self, name: str, types: Types, floor: int) -> Core:
        """A new group that begins after `floor`, durably."""
        core = self._cores.setdefault(name, self._core(name, types, State(floor)))
        await self._save([core])
        return core

    async def listen(self, core: Core, types: Types) -> None:
        """Let it be for these types from where it stands; raises `Conflict` when a copy listens to others."""
        if core.types.patterns == types.patterns:
            return
        if core.joined:
            raise Conflict("group-types", f"group {core.name} is joined for other event types by another copy")
        core.types = types
        await self._save([core])

    def offer(self, previous: int, news: Sequence[tuple[int, Message]]) -> None:
        """What was just published, after `previous`."""
        for core in self._cores.values():
            core.offer(previous, news)

    async def save_all(self) -> None:
        """Write every cursor."""
        await self._save(list(self._cores.values()))

    async def _save(self, cores: Sequence[Core]) -> None:
        rows = [core.saved() for core in cores]
        try:
            await self._write(lambda log: log.keep(rows))
        except Fault:
            for core in cores:
                core.dirty = True
            raise

    async def keep_house(self) -> None:
        """Write acknowledgements behind and remove what is old, until cancelled. What fails here is tried again next
        time; `ready` tells why.
        """
        due = self._clock.monotonic()
        while True:
            with suppress(Fault):
                if dirty := [core for core in self._cores.values() if core.dirty]:
                    await self._save(dirty)
                if self._clock.monotonic() >= due:
                    due = self._clock.monotonic() + _TRIM_EVERY
                    await self.trim()
            await self._clock.sleep(_SAVE_EVERY)

    async def trim(self) -> int:
        """Remove what retention no longer keeps; how many messages."""
        total = 0
        while removed := await self._trim_some():
            total += removed
        return total

    async def _trim_some(self) -> int:
        order = Trim(
            before=positions.micros(self._clock() - self._limits.retention_age),
            most_bytes=self._limits.retention_bytes,
            had={name: core.had() for name, core in self._cores.items()},
            types={name: core.types for name, core in self._cores.items()},
        )
        trimmed: Trimmed = await self._write(lambda log: log.trim(order))
        self.floor = max(self.floor, trimmed.floor)
        for name, core in self._cores.items():
            core.trimmed(trimmed.floor, trimmed.lost.get(name, 0))
        return trimmed.rows
