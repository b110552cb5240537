"""Fixtures of the cluster service's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cluster.tests.stage import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty cluster and an empty store."""
    return World(tmp_path)
