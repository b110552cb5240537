"""Requests made from the generated OpenAPI, valid and broken, never cause a server error."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
from typing import Any

import aiohttp
import pytest

from tests.faults.process import Suite
from tests.faults.traffic import Clients, History

SECONDS = 60
LEFT_OUT = r"^/oauth/logout$"
"""Signing out would end the session that asks."""


def without_streams(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the parameters that turn an answer into a stream, which has no end to wait for."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "parameters" in operation:
                kept = [p for p in operation["parameters"] if p.get("name") not in ("follow", "watch")]
                operation["parameters"] = kept
    return {**document, "paths": {path: found for path, found in document["paths"].items() if "/watch/" not in path}}


@pytest.mark.slow
async def test_no_request_causes_a_server_error(tmp_path: pathlib.Path) -> None:
    """As an administrator, over every operation that is described, for a minute; and the suite lives on."""
    suite = Suite(tmp_path / "data", "outbox:")
    await suite.start()
    try:
        async with aiohttp.ClientSession() as session:
            token = await Clients(suite, History()).sign_in(session)
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(suite.base + "/kapis/orrery.io/v1/openapi", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                document = without_streams(await answer.json())
        assert len(document["paths"]) > 30
        page = tmp_path / "openapi.json"
        page.write_text(json.dumps(document))
        process = await asyncio.create_subprocess_exec(
            *(str(pathlib.Path(sys.executable).with_name("schemathesis")), "run", str(page), "--url", suite.base),
            *("--header", f"Authorization: Bearer {token}", "--exclude-path-regex", LEFT_OUT),
            *("--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--max-examples", "10"),
            *("--max-time", str(SECONDS), "--generation-deterministic", "--no-color"),
            *("--continue-on-failure", "--no-shrink", "--request-timeout", "15", "--warnings", "off"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        said = printed.decode(errors="replace")
        assert process.returncode == 0, said[-6000:]
        assert "passed" in said or "No issues" in said, said[-2000:]
    finally:
        assert await suite.stop() == 0, suite.tail()
