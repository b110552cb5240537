"""What the original answers, we answer: its recordings, step by step, on one suite.

`OTHERWISE` lists what we answer differently on purpose, each with its reason; the list is checked both ways. Of the
recordings that reach beyond what is served yet, refusals are compared whatever the path (they are decided before
anything is served), the other answers where the path is one of `STANDS`.
"""

from __future__ import annotations

import pathlib
import re

import aiohttp

from tests.contract.recording import Conversation, Recording, judged
from tests.suite import running

FOLDER = pathlib.Path(__file__).parent / "recordings"
ORDER = ("sign-in", "users", "roles", "who-may-what")
PEOPLE = ("out", "view", "reg", "self", "adm")
DISCOVERED = "the original shows a plain account /api and not /apis: kubectl and Helm would find nothing"
OTHERWISE = {
    **{("who-may-what", f"{at} GET as m-ann-{who}"): DISCOVERED for at, who in enumerate(PEOPLE, start=201)},
    **{("who-may-what", f"{at} GET as m-ann-{who}"): DISCOVERED for at, who in enumerate(PEOPLE, start=213)},
    ("users", "010 weak password"): "a refused password is not echoed: answers are logged and shown on screens",
    (
        "who-may-what",
        "280 GET as m-ann-out",
    ): "repositories of a foreign workspace: the original lets every account list them",
}
STANDS = re.compile(
    r"/oauth/.*|/healthz|/version|/kapis/version|/kapis/config\..*|/nothing.*|/kapis/nothing.*"
    r"|/kapis/iam\.kubesphere\.io/v1alpha2/(users|globalroles|workspaces/[^/]+/workspace(members|roles))(/.*)?"
    r"|/kapis/tenant\.kubesphere\.io/v1alpha[23]/(workspacetemplates|workspaces)(/[^/]+)?"
    r"|/apis/(iam|tenant)\.kubesphere\.io/.*"
)
FORBIDDEN = 403


async def test_answers_agree() -> None:
    """Every compared answer of every recording agrees with ours, but for the ones listed as ours on purpose."""
    differing: dict[tuple[str, str], list[str]] = {}
    compared = 0
    async with running(admin_password="P@88w0rd") as suite, aiohttp.ClientSession() as session:
        for name in ORDER:
            recording = Recording.read(FOLDER / f"{name}.jsonl")
            talk = Conversation(session, suite.gateway, {"admin": "P@88w0rd", **recording.users})
            for step in recording.steps:
                ours = await talk.ask(step)
                stands = STANDS.fullmatch(step["path"].partition("?")[0]) or step["answer"]["status"] == FORBIDDEN
                if step.get("setup") or not (stands or (name, step["name"]) in OTHERWISE):
                    continue
                compared += 1
                if found := judged(step, ours):
                    differing[name, step["name"]] = found
    assert {step: found for step, found in differing.items() if step not in OTHERWISE} == {}
    assert OTHERWISE.keys() <= differing.keys(), "listed as answered otherwise, but it agrees"
    assert compared > 250


def test_every_recording_is_played() -> None:
    """No file lies there unread."""
    assert {path.stem for path in FOLDER.iterdir()} == set(ORDER)
