"""What deliveries work with: who may see what, the way to receivers, the secrets, and the bells that wake the loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from libs.shared.bell import Bell
from libs.shared.egress.client import Egress
from libs.shared.sealing import Sealer
from libs.shared.values import Clock
from services.events.domain.sight import Viewer


class Sights(Protocol):
    """What a user sees who isn't here himself."""

    async def of(self, user: str) -> Viewer | None:
        """As of now, or None for an account that is disabled or gone. Raises `Busy`."""
        ...


class Bells:
    """One bell for each subscription that is served here, rung when something of its types has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bells: dict[str, tuple[frozenset[str], Bell]] = {}
        self.changed = Bell(clock)
        """Rung when subscriptions have come, gone, or been put back."""

    def hang(self, uid: str, types: Iterable[str]) -> Bell:
        """The bell of a subscription to these types."""
        bell = Bell(self._clock)
        self._bells[uid] = (frozenset(types), bell)
        return bell

    def take(self, uid: str, bell: Bell) -> None:
        """It is served by this bell no longer; by now another one may hang in its place."""
        if self._bells.get(uid, (None, None))[1] is bell:
            del self._bells[uid]

    def ring(self, kinds: frozenset[str]) -> None:
        """Entries of these kinds have come."""
        for types, bell in self._bells.values():
            if not types.isdisjoint(kinds):
                bell.ring()


@dataclass(frozen=True, slots=True)
class Desk:
    """Of deliveries."""

    egress: Egress
    sights: Sights
    sealer: Sealer
    bells: Bells
