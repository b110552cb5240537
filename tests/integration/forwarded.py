"""A suite with a cluster, and people of every kind in it: what the tests of forwarding stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from libs.shared.testing.host import Running
from services.gateway.parts import Parts
from tests.suite import running

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PASSWORD = "Passw0rd-1"
ADMIN = "admin"
PEOPLE = ("outsider", "viewer", "operator", "owner", "chief", "clerk")
"""Nobody's; of the project p1: viewer, operator, admin; of its workspace ws1: admin; of another workspace: admin."""
MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass
class Town:
    """The suite, and everybody's token."""

    suite: Running
    client: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def gateway(self) -> Parts:
        """The gateway's own parts."""
        parts: Parts = self.suite.services["gateway"].parts
        return parts

    def headers(self, who: str) -> dict[str, str]:
        """Of this person; none for nobody."""
        return {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}

    async def ask(self, who: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status, and the body as JSON or text. The path goes out as it is written."""
        headers = {**self.headers(who), **more.pop("headers", {})}
        url = URL(self.suite.gateway + path, encoded=True)
        async with self.client.request(method, url, headers=headers, **more) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if answer.content_type.endswith("json") else text

    async def done(self, who: str, method: str, path: str, **more: Any) -> Any:
        """The body of what must succeed."""
        status, body = await self.ask(who, method, path, **more)
        assert status in (200, 201), (who, method, path, status, body)
        return body

    async def sign_in(self, who: str, password: str = PASSWORD) -> None:
        """Get a token."""
        form = {"grant_type": "password", "username": who, "password": password}
        form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
        async with self.client.post("/oauth/token", data=form) as answer:
            self.tokens[who] = (await answer.json())["access_token"]

    async def eventually(self, who: str, path: str, status: int) -> None:
        """Wait until this path is answered so: what controllers do takes its time."""
        for _ in range(200):
            if (await self.ask(who, "GET", path))[0] == status:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{path} is never answered {status} for {who}")


@asynccontextmanager
async def town(*more: str, **settings: Any) -> AsyncIterator[Town]:
    """Everybody is there: two workspaces, a project in the first with its members; and `more` services."""
    names = ("gateway", "accounts", "cluster", "devops", *more)
    async with (
        running(*names, admin_password=PASSWORD, **settings) as suite,
        aiohttp.ClientSession(suite.gateway, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        made = Town(suite, client)
        await made.sign_in(ADMIN)
        await _people(made)
        await _places(made)
        yield made


async def _people(made: Town) -> None:
    for who in PEOPLE:
        body = {
            "metadata": {"name": who, "annotations": {"iam.kubesphere.io/globalrole": "platform-regular"}},
            "spec": {"email": f"{who}@example.com", "password": PASSWORD},
        }
        await made.done(ADMIN, "POST", IAM + "/users", json=body)
        await made.sign_in(who)


async def _places(made: Town) -> None:
    for space, chief in (("ws1", "chief"), ("ws2", "clerk")):
        body = {"metadata": {"name": space}, "spec": {"template": {"spec": {"manager": ADMIN}}}}
        await made.done(ADMIN, "POST", TENANT + "/v1alpha3/workspacetemplates", json=body)
        for who in PEOPLE if space == "ws1" else (chief,):
            role = f"{space}-admin" if who == chief else f"{space}-regular"
            if who not in ("outsider", "clerk") or who == chief:
                member = [{"username": who, "roleRef": role}]
                await made.done(ADMIN, "POST", f"{IAM}/workspaces/{space}/workspacemembers", json=member)
    project = {"metadata": {"name": "p1", "labels": {"kubesphere.io/workspace": "ws1"}}}
    await made.done("chief", "POST", TENANT + "/v1alpha2/workspaces/ws1/namespaces", json=project)
    await made.eventually("chief", f"{RBAC}/namespaces/p1/roles/viewer", 200)
    for who, role in (("viewer", "viewer"), ("operator", "operator"), ("owner", "admin")):
        member = [{"username": who, "roleRef": role}]
        await made.done("chief", "POST", f"{IAM}/namespaces/p1/members", json=member)
        await made.eventually(who, "/api/v1/namespaces/p1/pods", 200)
