"""The ways to receivers, and what wakes those who take them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from libs.shared.bell import Bell
from libs.shared.egress.client import Egress
from libs.shared.sealing import Sealer
from libs.shared.values import Clock


class Courier(Protocol):
    """One conversation with a mail server."""

    async def deliver(self, message: EmailMessage, to: str) -> None:
        """Return when it is accepted. Raises `Refused` (for good), `Busy` (try later), `Unreachable` (nothing can be
        delivered by this courier any more).
        """
        ...


class Postman(Protocol):
    """Where letters are taken to."""

    def visit(self) -> AbstractAsyncContextManager[Courier]:
        """Begin a conversation; raises `Unreachable`."""
        ...

    async def forget(self, names: Sequence[str]) -> None:
        """Remove what is kept here of the letters of these names, if anything is; raises `Unreachable`."""
        ...


class Sights(Protocol):
    """What an absent user may see."""

    async def sees(self, user: str, namespace: str) -> bool:
        """Whether he may see the alerts of a namespace, as of now; nobody who is disabled or gone. Raises `Busy`."""
        ...


@dataclass(frozen=True, slots=True)
class Outlets:
    """The ways to receivers, what opens their secrets, and who may see what."""

    postman: Postman
    egress: Egress
    sealer: Sealer
    sights: Sights


class Bells:
    """What wakes each loop."""

    def __init__(self, clock: Clock) -> None:
        self.letters = Bell(clock)
        self.notices = Bell(clock)
        self.signals = Bell(clock)
