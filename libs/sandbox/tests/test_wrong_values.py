"""Wrong values in every field of every kind: refused in words, or kept; never the server's mistake."""

from pathlib import Path

import pytest

from libs.sandbox.tests.samples import SAMPLES, broken
from libs.sandbox.tests.served import Stage, served

APPLY = "application/apply-patch+yaml"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"


@pytest.mark.parametrize("path", SAMPLES)
async def test_a_wrong_value(tmp_path: Path, path: str) -> None:
    """Made, replaced and applied with one wrong value each: understood, and a refusal is a Status that says why."""
    body = SAMPLES[path]
    name = body.get("metadata", {}).get("name", "")
    async with served(tmp_path) as stage:
        assert (await stage.ask("POST", path, body)).status == 201
        for wrong in broken(body):
            await refused_or_kept(stage, "POST", path, {**wrong, "metadata": named(wrong)}, "application/json")
            if name:
                await refused_or_kept(stage, "PUT", f"{path}/{name}", wrong, "application/json")
                await refused_or_kept(stage, "PATCH", f"{path}/{name}?fieldManager=a&force=1", wrong, APPLY)
                await refused_or_kept(stage, "PATCH", f"{path}/{name}", wrong, STRATEGIC)
        if name:
            assert (
                await stage.ask("PATCH", f"{path}/{name}", {"metadata": {"labels": {"a": "b"}}}, MERGE)
            ).status < 500


def named(wrong: dict) -> object:
    """The metadata, with a new name where it has one, so that what is right is made beside what stands."""
    metadata = wrong.get("metadata")
    return {**metadata, "name": None, "generateName": "g-"} if isinstance(metadata, dict) else metadata


async def refused_or_kept(stage: Stage, method: str, path: str, body: object, media: str) -> None:
    """Whether the answer is one of a server that understood."""
    answer = await stage.ask(method, path, body, media)
    assert answer.status < 500, (method, path, body)
    if answer.status >= 400:
        assert answer.body["kind"] == "Status"
        assert answer.body["message"], (method, path, body)
