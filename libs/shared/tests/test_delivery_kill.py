"""Exactly-once effect, proven by killing the process at every point between command and acknowledgement."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from libs.shared.bus.codec import decoded

ROOT = Path(__file__).parents[3]
COUNT = 40
POINTS = (
    "store.before-commit",
    "store.after-commit",
    "relay.before-publish",
    "bus.before-commit",
    "bus.after-commit",
    "relay.after-publish",
    "relay.after-told",
    "consume.before-commit",
    "consume.after-commit",
    "consume.after-ack",
)


def run(folder, plan):
    """The exit code, and which users' commands were acknowledged."""
    command = [sys.executable, "-m", "libs.shared.tests.delivery_child", str(folder), plan, str(COUNT)]
    done = subprocess.run(  # noqa: S603  # our own interpreter and module
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, timeout=60, check=False
    )
    return done.returncode, done.stdout.decode().split()


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
async def test_killed_there_every_effect_is_there_once(tmp_path, point):
    """Killed at this point three times over and started again, each acknowledged command is in the store and in the
    log exactly once, and each reaction's effect exists exactly once.
    """
    acknowledged: set[str] = set()
    codes = []
    for nth in (1, 3, 6):
        code, names = await asyncio.to_thread(run, tmp_path, f"{point}=kill@{nth}")
        codes.append(code)
        acknowledged |= set(names)
    assert codes[0] == -signal.SIGKILL
    assert set(codes) <= {-signal.SIGKILL, 0}
    users = {key for (key,) in rows(tmp_path / "accounts.db", "SELECT key FROM doc_User")}
    assert acknowledged <= users
    code, names = await asyncio.to_thread(run, tmp_path, "")
    assert code == 0
    told = [decoded(body.encode()) for (body,) in rows(tmp_path / "bus.db", "SELECT body FROM log")]
    assert sorted(envelope.subject for envelope in told) == sorted(f"users/user-{n}" for n in range(COUNT))
    letters = [orjson.loads(body) for (body,) in rows(tmp_path / "mail.db", "SELECT body FROM doc_Letter")]
    assert sorted(letter["to"] for letter in letters) == sorted(f"user-{n}" for n in range(COUNT))
    assert all(letter["texts"] == ["welcome"] for letter in letters)
    assert rows(tmp_path / "mail.db", "SELECT count(*) FROM doc_Parked") == [(0,)]
