"""Parts on a real store with a clock that stands still, ids that count and cheap hashes."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar

from libs.shared.event import Envelope
from libs.shared.store.protocol import Unit
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret
from services.accounts.clients.passwords import Passwords
from services.accounts.commands import user as users
from services.accounts.domain.user import User, UserWish
from services.accounts.parts import Parts

PASSWORD = "P@88w0rd"
P = ParamSpec("P")
R = TypeVar("R")


class Ids:
    """Ids that count from a number, so that tests can be read."""

    def __init__(self, first: int) -> None:
        self._numbers = count(first)

    def __call__(self) -> str:
        return str(uuid.UUID(int=next(self._numbers), version=4))


@dataclass
class Stage:
    """Parts on a real store, and what the tests ask of them."""

    parts: Parts
    clock: VirtualClock

    async def told(self) -> list[Envelope]:
        """Every event so far."""
        return [row.envelope for row in await self.parts.store.outbox.waiting(100_000)]

    async def named(self, name: str) -> list[Envelope]:
        """Every event of this name so far."""
        return [envelope for envelope in await self.told() if envelope.name == name]

    async def do(self, work: Callable[Concatenate[Unit, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a command in a unit."""
        return await self.parts.store.transact(work, *args, **kwargs)

    async def user(self, name: str, role: str = "platform-regular", **wish: Any) -> User:
        """A user whose password is `PASSWORD`."""
        wish.setdefault("email", f"{name}@example.com")
        hashed = await self.parts.passwords.hash(Secret(PASSWORD))
        return await self.do(
            users.create_user,
            UserWish(name=name, global_role=role or None, **wish),
            hashed,
            uid=self.parts.ids(),
            by="admin",
            at=self.clock(),
        )


def cheap() -> Passwords:
    """Hashes that cost nothing."""
    return Passwords(memory_kib=8, passes=1, workers=2, waiting=256)
