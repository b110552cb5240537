"""What the original answers, we answer: the recordings of its areas that stand, step by step.

`OTHERWISE` lists what we answer differently on purpose, each with its reason; the list is checked both ways.
"""

from __future__ import annotations

import pathlib

import aiohttp
import pytest

from tests.contract.recording import Conversation, Recording, judged
from tests.suite import running

RECORDINGS = sorted((pathlib.Path(__file__).parent / "recordings").glob("*.jsonl"))
OTHERWISE: dict[tuple[str, str], str] = {}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
async def test_answers_agree(path: pathlib.Path) -> None:
    """Every compared answer of the recording agrees with ours, but for the ones listed as ours on purpose."""
    recording = Recording.read(path)
    differing: dict[str, list[str]] = {}
    async with running(admin_password="P@88w0rd") as suite, aiohttp.ClientSession() as session:
        talk = Conversation(session, suite.gateway, {"admin": "P@88w0rd", **recording.users})
        for step in recording.steps:
            ours = await talk.ask(step)
            if not step.get("setup") and (found := judged(step, ours)):
                differing[step["name"]] = found
    on_purpose = {name for file, name in OTHERWISE if file == recording.name}
    assert {name: found for name, found in differing.items() if name not in on_purpose} == {}
    assert on_purpose <= set(differing), "listed as answered otherwise, but it agrees"
