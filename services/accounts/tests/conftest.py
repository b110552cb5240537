"""Fixtures: an empty stage, one as after the first start, and the application on it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.shared.failpoints import Failpoints
from libs.shared.store.protocol import Unit
from libs.shared.store.sqlite import open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import Secret
from services.accounts.app import DOCUMENTS, load_seeds
from services.accounts.clients import tokens
from services.accounts.clients.turns import Turns
from services.accounts.commands import seed
from services.accounts.parts import Parts
from services.accounts.settings import AccountsSettings
from services.accounts.tests.served import Asked, served
from services.accounts.tests.stage import PASSWORD, Ids, Stage, cheap


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with an empty store."""
    clock = VirtualClock()
    store = await open_store(
        tmp_path / "accounts.db", DOCUMENTS, clock=clock, ids=Ids(1_000_000), source="accounts", failpoints=Failpoints()
    )
    passwords = cheap()
    settings = AccountsSettings(tries=5)
    key = tokens.opened(Secret(""), tmp_path)
    yield Stage(Parts(store, clock, Ids(1), passwords, key, settings, Turns(clock)), clock)
    passwords.close()
    await store.close()


async def sown(unit: Unit, stage: Stage, hashed: Secret) -> None:
    await seed.sow(unit, load_seeds(), hashed, made=False, uid=str(uuid.UUID(int=7)), at=stage.clock())


@pytest.fixture
async def stage(bare: Stage) -> Stage:
    """A stage as after the first start; the password of admin is `PASSWORD`."""
    await bare.do(sown, bare, await bare.parts.passwords.hash(Secret(PASSWORD)))
    return bare


@pytest.fixture
async def ask(stage: Stage) -> AsyncIterator[Asked]:
    """Accounts' application, asked as the gateway asks it."""
    async with served(stage) as asked:
        yield asked
