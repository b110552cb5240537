"""A stage and a repository of charts for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.openpitrix.tests.charts import Shelf, shelf
from services.openpitrix.tests.stage import Stage, sandboxed, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The service on a fresh folder, with its loops."""
    async with staged(tmp_path) as found, found.working():
        yield found


@pytest.fixture
async def charts() -> AsyncIterator[Shelf]:
    """A repository of charts."""
    async with shelf() as found:
        yield found


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Stage]:
    """The service with its loops, and a sandbox cluster."""
    async with sandboxed(tmp_path) as cluster, staged(tmp_path, cluster=cluster) as found, found.working():
        yield found
