"""Recorded conversations with the original server: asked again of ours, and compared as far as an answer can be.

A recording is JSON lines. The first may name users and passwords; each other one is a step: who asks (`as`, empty for
nobody), `method`, `path`, `headers`, `body` or `form`, `until` (ask again until the answer has this text), `setup`
(not compared), `only: status`, and the original's `answer` with placeholders such as `<time>` for what differs from
run to run. What the original lacks and we add is no difference; everything that it has must be there.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PATIENCE = 5.0
"""Seconds that an `until` is asked again."""
PLACEHOLDERS = {
    "<jwt>": re.compile(r"[\w-]+\.[\w-]+\.[\w-]+"),
    "<uid>": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "<time>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "<hash>": re.compile(r"[bcdfghjklmnpqrstvwxz2456789]{5,10}"),
}
ANYTHING = {"<resourceVersion>", "<generation>", "<expires_in>", "<now>"}
NOT_COMPARED = {"managedFields", "finalizers", "kubefed.io/managed", "kubectl.kubernetes.io/last-applied-configuration"}
SPLIT = re.compile(r"(<[a-zA-Z_]+>)")


@dataclass(frozen=True)
class Answer:
    """Status, media type and body (JSON where it is JSON, else text)."""

    status: int
    type: str
    body: Any


@dataclass
class Recording:
    """The steps of a file, and who logs in with what."""

    name: str
    users: dict[str, str]
    steps: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: pathlib.Path) -> Recording:
        lines = [json.loads(line) for line in path.read_text().splitlines() if line]
        users = lines.pop(0)["users"] if "users" in lines[0] else {}
        return cls(path.stem, users, lines)


def matches(theirs: str, ours: str) -> bool:
    """Whether a text is theirs with each placeholder filled by something of its kind."""
    if theirs in ANYTHING:
        return bool(ours)
    pattern = "".join(PLACEHOLDERS[p].pattern if p in PLACEHOLDERS else re.escape(p) for p in SPLIT.split(theirs))
    return re.fullmatch(pattern, ours, re.DOTALL) is not None


def names(items: list[Any]) -> list[str]:
    """The names of Kubernetes objects, or nothing where one has none."""
    found = [i.get("metadata", {}).get("name", "") if isinstance(i, dict) else "" for i in items]
    return found if all(found) else []


def differences(theirs: Any, ours: Any, where: str = "", *, ordered: bool = False) -> Iterator[str]:
    """Each place where ours lacks or contradicts theirs, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in theirs.keys() - NOT_COMPARED:
            if key in ours:
                yield from differences(theirs[key], ours[key], f"{where}.{key}", ordered=ordered)
            else:
                yield f"{where}.{key} is missing, theirs is {theirs[key]!r:.80}"
    elif isinstance(theirs, list) and isinstance(ours, list):
        yield from list_differences(theirs, ours, where, ordered=ordered)
    elif not same(theirs, ours):
        yield f"{where} is {ours!r:.160} instead of {theirs!r:.160}"


def same(theirs: Any, ours: Any) -> bool:
    """Whether two plain values agree; a text as `matches` says."""
    if isinstance(theirs, str):
        return matches(theirs, str(ours))
    return type(theirs) is type(ours) and bool(theirs == ours)


def list_differences(theirs: list[Any], ours: list[Any], where: str, *, ordered: bool) -> Iterator[str]:
    """By name where all members have one (a placeholder is no name), else by position."""
    wanted = names(theirs)
    if not wanted or any("<" in n for n in wanted) or not names(ours):
        if len(theirs) != len(ours):
            yield f"{where} has {len(ours)} members instead of {len(theirs)}"
        for index, pair in enumerate(zip(theirs, ours, strict=False)):
            yield from differences(*pair, f"{where}[{index}]", ordered=ordered)
        return
    mine = dict(zip(names(ours), ours, strict=True))
    order = [n for n in mine if n in wanted]
    if ordered and order != wanted:
        yield f"{where} comes as {order} instead of {wanted}"
    for name, item in zip(wanted, theirs, strict=True):
        if name in mine:
            yield from differences(item, mine[name], f"{where}[{name}]", ordered=ordered)
        else:
            yield f"{where}[{name}] is missing"


class Conversation:
    """Asks a gateway the steps of a recording."""

    def __init__(self, session: aiohttp.ClientSession, base: str, users: dict[str, str]) -> None:
        self.session, self.base, self.users = session, base, users
        self.tokens: dict[str, str] = {}

    async def token(self, who: str) -> str:
        """An access token of this user; signed in once."""
        if who not in self.tokens:
            form = {"grant_type": "password", "username": who, "password": self.users[who]}
            form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
            async with self.session.post(self.base + "/oauth/token", data=form) as answer:
                assert answer.status == 200, await answer.text()
                self.tokens[who] = (await answer.json())["access_token"]
        return self.tokens[who]

    async def send(self, step: dict[str, Any]) -> Answer:
        """One request, one answer."""
        headers, data = {"User-Agent": "Python-urllib/3.11", **step.get("headers", {})}, None
        if "form" in step:
            data = aiohttp.FormData(step["form"])()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif "body" in step:
            data = step["body"] if isinstance(step["body"], str) else json.dumps(step["body"])
            headers.setdefault("Content-Type", "application/json")
        if step["as"]:
            headers["Authorization"] = f"Bearer {await self.token(step['as'])}"
        url = self.base + step["path"].replace(" ", "%20")
        async with self.session.request(step["method"], url, headers=headers, data=data) as answer:
            raw = (await answer.read()).decode(errors="replace")
            try:
                body = json.loads(raw)
            except ValueError:
                body = raw
            return Answer(answer.status, answer.content_type if raw else "", body)

    async def ask(self, step: dict[str, Any]) -> Answer:
        """The answer, waited for where the step says until when."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = await self.send(step)
            if step.get("until", "") in json.dumps(answer.body) or time.monotonic() > end:
                return answer
            await asyncio.sleep(0.05)


def judged(step: dict[str, Any], ours: Answer) -> list[str]:
    """How our answer differs from the recorded one; empty where it agrees."""
    theirs = step["answer"]
    if step.get("only") == "status" and theirs["status"] == ours.status != 403:
        return []
    found = (
        []
        if theirs["status"] == ours.status
        else [f"status {ours.status} instead of {theirs['status']}: {ours.body!r:.160}"]
    )
    if theirs["type"] != ours.type and theirs["body"] not in ("", None):
        found.append(f"type {ours.type} instead of {theirs['type']}")
    return found or list(differences(theirs["body"], ours.body, ordered="sortBy" in step["path"]))
