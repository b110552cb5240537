"""Requests made from the generated OpenAPI, valid and broken, never cause a server error, and answers are as described.

They go to things that are there, with bodies that are taken and with bodies that are not.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping

import aiohttp
import pytest

from tests.faults.process import Suite
from tests.integration.fuzzing import PLAIN, Client, Outcome, furnish, fuzz, operations, pointed

CHEAP = {"ORRERY_ACCOUNTS_HASH_MEMORY_KIB": "64", "ORRERY_ACCOUNTS_HASH_PASSES": "1"}
ALLOWED: Mapping[str, int] = {}
"""Operations that answer a client's fault with a 5xx because a recording shows that the original does, and clients live
with it. There are none: what the original answers so is 403 or 404 here (see `OTHERWISE` of the contract tests).
"""
IDLE = {
    "POST /kapis/notification.orrery.io/v1/letters/{letter}/resend",
    "POST /kapis/orrery.io/v1/parked/{service}/{id}/release",
    "DELETE /kapis/orrery.io/v1/parked/{service}/{id}",
}
"""Writes that nothing is there for: no letter failed, and no message is parked."""
PROMETHEUS = "/kapis/monitoring.orrery.io/v1/prometheus/api/v1"
FOREIGN = {f"POST {PROMETHEUS}/{path}" for path in ("query", "query_range", "series", "write")}
"""What is no JSON: forms, and samples in protocol buffers."""
ASKED_OF_ONESELF = {
    "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "POST /apis/authentication.k8s.io/v1/selfsubjectreviews",
}
"""Questions that everybody may ask, and that change nothing."""


async def run(who: str, folder: pathlib.Path, phases: str) -> tuple[Outcome, set[str]]:
    """A suite of its own, furnished, and asked as this user; with the names of the operations that are described."""
    suite = Suite(folder / "data", "outbox:", settings=CHEAP)
    await suite.start()
    try:
        async with aiohttp.ClientSession() as session:
            admin = Client(session, suite.base)
            admin.token = await admin.sign_in("admin")
            await furnish(admin)
            document = await pointed(await admin.ask("GET", "/kapis/orrery.io/v1/openapi"), admin)
            token = await admin.sign_in(who)
        outcome = await fuzz(suite, folder, document, token, phases)
    finally:
        assert await suite.stop() == 0, suite.tail()
    return outcome, {f"{method.upper()} {path}" for path, method, _ in operations(document["paths"])}


def judge(outcome: Outcome, described: set[str]) -> None:
    """Every operation was asked, none of them failed, and every answer was as described."""
    failed = {name: dict(seen) for name, seen in outcome.statuses.items() if any(s >= 500 or not s for s in seen)}
    assert {name: seen for name, seen in failed.items() if name not in ALLOWED} == {}
    assert outcome.code == 0, outcome.said[-8000:]
    tested = re.search(r"Tested: (\d+)", outcome.said)
    assert tested is not None, outcome.said[-2000:]
    assert int(tested[1]) == len(described)
    assert outcome.statuses.keys() == described


@pytest.mark.slow
async def test_as_an_administrator(tmp_path: pathlib.Path) -> None:
    """Whoever may do everything gets good answers from nearly every write, and refusals of what is no good body."""
    outcome, described = await run("admin", tmp_path, "examples,coverage,fuzzing")
    judge(outcome, described)
    writes = {name for name in described if not name.startswith("GET")}
    assert writes - outcome.answered(200, 299) == IDLE | FOREIGN
    assert writes - outcome.answered(400, 499) == set()


@pytest.mark.slow
async def test_as_a_plain_user(tmp_path: pathlib.Path) -> None:
    """Whoever has no rights but in one workspace is refused every write, whatever the body."""
    outcome, described = await run(PLAIN, tmp_path, "examples,fuzzing")
    judge(outcome, described)
    writes = {name for name in described if not name.startswith("GET")}
    assert writes & outcome.answered(200, 299) == {"POST /oauth/token"} | ASKED_OF_ONESELF
    assert {"GET /kapis/iam.kubesphere.io/v1alpha2/workspaces/{workspace}/workspacemembers"} <= outcome.answered(
        200, 299
    )
