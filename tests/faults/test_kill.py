"""The kill harness as a test."""

from __future__ import annotations

import pathlib

import pytest

from tests.faults.kill import run


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_when_killed_anywhere(tmp_path: pathlib.Path) -> None:
    """1,000 mixed commands, SIGKILL at each failpoint in turn: every acknowledged command is in the log once, each
    reaction's effect exists once, no letter is missing, and a letter mailed twice carries one Message-ID."""
    rounds, verdict = await run(1000, seed=1, folder=tmp_path)
    assert [r.failpoint for r in rounds if not r.killed] == []
    assert verdict.faults == {}
    assert verdict.acknowledged > 500
