"""Fixtures of the cluster service's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cluster.tests.stage import World, world_in


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A new cluster, and an empty store."""
    async with world_in(tmp_path) as found:
        yield found
