"""Killed in the middle of intake: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import orjson

from libs.shared.values import SystemClock
from services.logging.clients.index.index import Index
from services.logging.domain.entry import LOGS
from services.logging.domain.wanted import EVERYTHING, Page, Span
from services.logging.tests.taker import BATCH

ROUNDS = 3


async def test_kill_nine(tmp_path: Path) -> None:
    """Three times killed while it commits, each time begun again with the batch that was not acknowledged: every
    acknowledged line is there and none twice.
    """
    acknowledged = 0
    for _ in range(ROUNDS):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.logging.tests.taker", str(tmp_path), str(acknowledged)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout
        for _ in range(5):
            acknowledged = int(await child.stdout.readline())
        child.kill()
        rest = await child.stdout.read()
        acknowledged = int(rest.split()[-1]) if rest.split() else acknowledged
        await child.wait()
    index = Index(tmp_path, SystemClock(), most_days=8, seconds=20)
    found = await index.page(LOGS, EVERYTHING, Span(), Page(0, 10_000))
    numbers = [int(orjson.loads(body)["log"].split()[1]) for body in found.bodies]
    await index.close()
    assert len(numbers) == len(set(numbers)) == found.total
    assert set(range(acknowledged)) <= set(numbers) <= set(range(acknowledged + BATCH))
