"""The embedded store is held to the conformance suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from libs.shared.failpoints import Failpoints
from libs.shared.store.sqlite import SqliteStore, open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.testing.store import DOCUMENTS, KEPT, StoreConformance
from libs.shared.testing.store_kinds import Again


class TestSqlite(StoreConformance):
    """SQLite."""

    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock()

    @pytest.fixture
    async def opened(self, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[list[SqliteStore]]:
        numbers = count()
        path = tmp_path / "suite.db"

        async def opening() -> SqliteStore:
            return await open_store(
                path,
                DOCUMENTS,
                clock=clock,
                ids=lambda: f"id-{next(numbers)}",
                source="suite",
                failpoints=Failpoints(),
                changes=KEPT,
            )

        stores = [await opening()]
        self.opening = opening
        yield stores
        await stores[-1].close()
        assert _names(tmp_path) == ["suite.db"]

    @pytest.fixture
    def store(self, opened: list[SqliteStore]) -> SqliteStore:
        return opened[0]

    @pytest.fixture
    def again(self, opened: list[SqliteStore]) -> Again:
        async def reopen() -> SqliteStore:
            await opened[-1].close()
            opened.append(await self.opening())
            return opened[-1]

        return reopen


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]
