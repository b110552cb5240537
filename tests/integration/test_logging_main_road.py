"""Logging behind the gateway: bulk intake by administrators alone, lines found, who made a user, others see nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.suite import running

T2 = "/kapis/tenant.kubesphere.io/v1alpha2"
BULK = "/kapis/logging.orrery.io/v1/es/_bulk"
PASSWORD = "P@88w0rd-1"
USER = {
    "apiVersion": "iam.kubesphere.io/v1alpha2",
    "kind": "User",
    "metadata": {"name": "walter"},
    "spec": {"email": "walter@example.com", "password": PASSWORD},
}
LINE = {
    "@timestamp": "2031-05-06T08:00:00.000Z",
    "time": "2031-05-06T08:00:00.000000001Z",
    "log": "needle-4711 arrived\n",
    "kubernetes": {"namespace_name": "shop", "pod_name": "p-1", "container_name": "c", "docker_id": "d1"},
}
BODY = "\n".join(map(json.dumps, ({"index": {"_index": "ks-logstash-log-2031.05.06"}}, LINE))).encode() + b"\n"


class People:
    """Asks the gateway as somebody."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._tokens: dict[str, str] = {}

    async def sign_in(self, name: str) -> None:
        """Get a token."""
        form = {"grant_type": "password", "client_id": "kubesphere", "client_secret": "kubesphere"}
        async with self._session.post("/oauth/token", data={**form, "username": name, "password": PASSWORD}) as answer:
            self._tokens[name] = (await answer.json())["access_token"]

    async def ask(self, who: str, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body."""
        headers = {**options.pop("headers", {})}
        if who in self._tokens:
            headers["Authorization"] = f"Bearer {self._tokens[who]}"
        async with self._session.request(method, path, headers=headers, **options) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if answer.content_type == "application/json" else raw


@pytest.fixture
async def people() -> AsyncIterator[People]:
    """The gateway, accounts, the cluster and logging; admin and walter are signed in."""
    suite = running("gateway", "accounts", "cluster", "logging", admin_password=PASSWORD)
    async with suite as stands, aiohttp.ClientSession(stands.gateway) as session:
        found = People(session)
        await found.sign_in("admin")
        assert (await found.ask("admin", "POST", "/kapis/iam.kubesphere.io/v1alpha2/users", json=USER))[0] == 200
        await found.sign_in("walter")
        yield found


async def test_the_main_road(people: People) -> None:
    """Administrators send documents, packed or not, and find them at once; nobody else sends or finds any; the audit
    tells who made a user.
    """
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}
    for who, status in (("admin", 200), ("walter", 403), ("nobody", 403)):
        assert (await people.ask(who, "POST", BULK, data=BODY))[0] == status
        assert (await people.ask(who, "POST", BULK, data=gzip.compress(BODY), headers=packed))[0] == status
    for who, status, total in (("admin", 200, 2), ("walter", 200, 0)):
        found = await people.ask(who, "GET", f"{T2}/logs?log_query=4711&start_time=1935000000")
        assert (found[0], found[1]["query"]["total"]) == (status, total)
    for path in ("/logs", "/events", "/auditing/events"):
        assert (await people.ask("nobody", "GET", T2 + path))[0] == 403
        status, body = await people.ask("walter", "GET", T2 + path)
        assert (status, body["query"]["total"]) == (200, 0)
    async with asyncio.timeout(20):
        while True:
            asked = f"{T2}/auditing/events?verb_filter=create&objectref_resource_filter=users"
            query = (await people.ask("admin", "GET", asked))[1]["query"]
            if query["total"]:
                break
            await asyncio.sleep(0.05)
    (record,) = query["records"]
    assert (record["User"]["Username"], record["ObjectRef"]["Name"]) == ("admin", "walter")
