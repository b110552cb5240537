"""A stage for tests: a real store in a file, a clock that stands still, ids that count, cheap hashes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret
from services.accounts.app import DOCUMENTS, load_seeds
from services.accounts.clients import tokens
from services.accounts.clients.passwords import Passwords
from services.accounts.commands import seed
from services.accounts.commands import user as users
from services.accounts.domain.user import User, UserWish
from services.accounts.parts import Parts
from services.accounts.settings import AccountsSettings

PASSWORD = "P@88w0rd"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Ids:
    """Ids that count, so that tests can be read."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __call__(self) -> str:
        return str(uuid.UUID(int=next(self.numbers), version=4))


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


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with an empty store."""
    clock, ids = VirtualClock(), Ids()
    store = await open_store(
        tmp_path / "accounts.db", DOCUMENTS, clock=clock, ids=ids, source="accounts", failpoints=Failpoints()
    )
    passwords = cheap()
    settings = AccountsSettings(tries=5)
    yield Stage(Parts(store, clock, ids, passwords, tokens.opened(Secret(""), tmp_path), settings), clock)
    passwords.close()
    await store.close()


async def sown(unit: Unit, stage: Stage, hashed: Secret) -> None:
    await seed.sow(unit, load_seeds(), hashed, made=False, uid=str(uuid.UUID(int=7)), at=stage.clock())


@pytest.fixture
async def stage(bare: Stage) -> Stage:
    """A stage as after the first start; the password of admin is `PASSWORD`."""
    await bare.do(sown, bare, await bare.parts.passwords.hash(Secret(PASSWORD)))
    return bare
