"""Mixed commands from several clients, and what each was answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.process import PASSWORD, Suite

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha3"
CLIENTS = 16
ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


@dataclass(frozen=True)
class Command:
    """One write: the event that it must leave exactly once, on which subject, and the letter that follows, if any."""

    method: str
    path: str
    body: Any
    event: str
    subject: str
    detail: str = ""
    """Text that the event's data must hold, where a subject has several events of a type."""
    letter: tuple[str, str] | None = None
    """Recipient and a word of the subject line."""


@dataclass
class History:
    """What was asked, and how each ended."""

    ended: list[tuple[Command, str]] = field(default_factory=list)

    def count(self, how: str) -> int:
        """How many ended so."""
        return sum(end == how for _, end in self.ended)


def user(name: str) -> Command:
    """Make an account."""
    body = {
        "metadata": {"name": name, "annotations": {"iam.kubesphere.io/globalrole": "platform-regular"}},
        "spec": {"email": f"{name}@example.com", "password": "Passw0rd-1"},
    }
    mail = (f"{name}@example.com", "welcome")
    return Command("POST", IAM + "/users", body, "UserCreated", f"users/{name}", letter=mail)


def workspace(name: str) -> Command:
    """Make a workspace."""
    body = {
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"manager": "admin"}}, "placement": {"clusters": []}},
    }
    return Command("POST", TENANT + "/workspacetemplates", body, "WorkspaceCreated", f"workspaces/{name}")


def invite(space: str, name: str) -> Command:
    """Invite an account into a workspace."""
    body = [{"username": name, "roleRef": f"{space}-viewer"}]
    path = f"{IAM}/workspaces/{space}/workspacemembers"
    mail = (f"{name}@example.com", space)
    return Command("POST", path, body, "WorkspaceMemberInvited", f"workspaces/{space}", name, mail)


def change(space: str, name: str) -> Command:
    """Give a member another role."""
    body = {"username": name, "roleRef": f"{space}-regular"}
    path = f"{IAM}/workspaces/{space}/workspacemembers/{name}"
    return Command("PUT", path, body, "WorkspaceMemberChanged", f"workspaces/{space}", name)


def remove(space: str, name: str) -> Command:
    """Remove a member."""
    path = f"{IAM}/workspaces/{space}/workspacemembers/{name}"
    return Command("DELETE", path, None, "WorkspaceMemberRemoved", f"workspaces/{space}", name)


def delete(name: str) -> Command:
    """Delete an account."""
    return Command("DELETE", f"{IAM}/users/{name}", None, "UserDeleted", f"users/{name}")


def chains(prefix: str, count: int, chance: random.Random) -> Iterator[list[Command]]:
    """Commands that follow from each other, in chains of two to seven, `count` commands in all."""
    left, number = count, 0
    while left > 0:
        number += 1
        name, space = f"{prefix}-u{number}", f"{prefix}-w{number}"
        chain = [
            user(name),
            workspace(space),
            invite(space, name),
            change(space, name),
            remove(space, name),
            delete(name),
        ]
        chain = chain[: chance.randint(2, min(6, max(2, left)))][:left]
        left -= len(chain)
        yield chain


class Clients:
    """Sixteen clients that work through chains; a chain ends where its outcome is not known."""

    def __init__(self, suite: Suite, history: History) -> None:
        self.suite, self.history = suite, history

    async def run(self, work: list[list[Command]]) -> list[list[Command]]:
        """Ask all of it; returns the chains that were not begun, when the suite has died."""
        queue = list(reversed(work))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as session:
            token = await self.sign_in(session)
            if not token:
                return work
            session.headers["Authorization"] = f"Bearer {token}"
            await asyncio.gather(*(self.client(session, queue) for _ in range(CLIENTS)))
        return list(reversed(queue))

    async def sign_in(self, session: aiohttp.ClientSession) -> str:
        """An administrator's token, or nothing when the suite dies meanwhile."""
        form = {"grant_type": "password", "username": "admin", "password": PASSWORD}
        form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
        try:
            async with session.post(self.suite.base + "/oauth/token", data=form) as answer:
                return str((await answer.json()).get("access_token", ""))
        except aiohttp.ClientError:
            return ""

    async def client(self, session: aiohttp.ClientSession, queue: list[list[Command]]) -> None:
        """One client: chain after chain."""
        while queue and not self.suite.died:
            for command in queue.pop():
                end = await self.ask(session, command)
                self.history.ended.append((command, end))
                if end != ACKNOWLEDGED:
                    break

    async def ask(self, session: aiohttp.ClientSession, command: Command) -> str:
        """How one command ended."""
        try:
            async with session.request(command.method, self.suite.base + command.path, json=command.body) as answer:
                await answer.read()
                if answer.status < 300:
                    return ACKNOWLEDGED
                return REFUSED if answer.status < 500 else UNKNOWN
        except (aiohttp.ClientError, TimeoutError):
            return UNKNOWN
