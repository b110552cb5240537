"""Kill -9 of the whole suite while samples are pushed: each request that was acknowledged is told afterwards."""

from __future__ import annotations

import asyncio
import pathlib
import time

import aiohttp

from services.monitoring.tests.written import request, snappy
from tests.faults.process import PASSWORD, Suite

API = "/kapis/monitoring.orrery.io/v1/prometheus/api/v1"
ROWS = 20


async def signed_in(session: aiohttp.ClientSession) -> dict[str, str]:
    """Headers of admin."""
    form = {"grant_type": "password", "username": "admin", "password": PASSWORD}
    form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
    async with session.post("/oauth/token", data=form) as answer:
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


async def pushed(session: aiohttp.ClientSession, step: int, headers: dict[str, str]) -> bool:
    """Whether this batch was acknowledged."""
    at = int(time.time() * 1000)
    body = snappy(request(({"__name__": "told", "row": str(n), "step": str(step)}, [(at, step)]) for n in range(ROWS)))
    try:
        async with session.post(API + "/write", data=body, headers=headers) as answer:
            return answer.status == 204
    except aiohttp.ClientError:
        return False


async def test_what_was_acknowledged_outlives_a_kill(tmp_path: pathlib.Path) -> None:
    """SIGKILL in the midst of intake; the restarted suite tells every row of every acknowledged batch, once."""
    (tmp_path / "data").mkdir()
    suite, acknowledged = Suite(tmp_path / "data", "outbox:"), []
    await suite.start()
    assert suite.process is not None
    async with aiohttp.ClientSession(suite.base) as session:
        headers = await signed_in(session)
        assert await pushed(session, 0, headers)
        acknowledged.append(0)
        killing = asyncio.get_running_loop().call_later(0.4, suite.process.kill)
        for step in range(1, 10_000):
            if not await pushed(session, step, headers):
                break
            acknowledged.append(step)
        killing.cancel()
    await suite.process.wait()
    assert suite.died
    await suite.start()
    async with aiohttp.ClientSession(suite.base) as session:
        headers = await signed_in(session)
        query = {"query": "count by (step) (last_over_time(told[1h]))"}
        async with session.get(API + "/query", params=query, headers=headers) as answer:
            rows = (await answer.json())["data"]["result"]
    found = {int(row["metric"]["step"]): int(row["value"][1]) for row in rows}
    assert len(acknowledged) > 3
    assert {step: found.get(step) for step in acknowledged} == dict.fromkeys(acknowledged, ROWS)
    assert found.keys() - set(acknowledged) <= {len(acknowledged)}
    assert await suite.stop() == 0
