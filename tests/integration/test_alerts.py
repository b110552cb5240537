"""Alerts through the whole suite: a rule is written, fires, is told by mail and webhook, and is over; role by role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.faults.traffic import user
from tests.suite import running

ADMIN = "Adm1n-first-Pass"
BOB = "Passw0rd-1"
NS = "demo-project"
RULES = f"/apis/alerting.kubesphere.io/v2beta1/namespaces/{NS}/rulegroups"
READ = f"/kapis/alerting.kubesphere.io/v2beta1/namespaces/{NS}"
OURS = "/kapis/alerting.orrery.io/v1"
NOTE = "/kapis/notification.kubesphere.io/v2beta2"
LETTERS = "/kapis/notification.orrery.io/v1/letters"
SERVICES = ("accounts", "alerting", "cluster", "gateway", "monitoring", "notification")


@dataclass
class Client:
    """Somebody who asks the gateway."""

    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status, and the answer as JSON or text."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = self.headers | ({"Content-Type": kind} if body is not None else {})
        data = None if body is None else orjson.dumps(body)
        async with self.session.request(method, path, data=data, headers=headers) as answer:
            text = await answer.text()
            return answer.status, orjson.loads(text) if "json" in answer.content_type and text else text

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask until the answer holds."""
        async with asyncio.timeout(30):
            while True:
                status, answer = await self.ask("GET", path)
                if status == 200 and holds(answer):
                    return answer
                await asyncio.sleep(0.1)


async def signed_in(session: aiohttp.ClientSession, name: str, password: str) -> Client:
    """Somebody with a token."""
    form = {"grant_type": "password", "username": name, "password": password, "client_id": "kubesphere"}
    async with session.post("/oauth/token", data=form | {"client_secret": "kubesphere"}) as answer:
        assert answer.status == 200, await answer.text()
        return Client(session, {"Authorization": f"Bearer {(await answer.json())['access_token']}"})


@asynccontextmanager
async def standing() -> AsyncIterator[tuple[Client, Client, aiohttp.ClientSession]]:
    """The services that an alert passes through; the administrator, a user who may nothing, and nobody's session."""
    async with (
        running(
            *SERVICES, admin_password=ADMIN, egress_allow="127.0.0.1", notification_group_wait=0.2, demo=True
        ) as suite,
        aiohttp.ClientSession(suite.gateway) as session,
    ):
        admin = await signed_in(session, "admin", ADMIN)
        await admin.until("/api/v1/namespaces", lambda found: any(i["metadata"]["name"] == NS for i in found["items"]))
        bob = user("bob")
        assert (await admin.ask(bob.method, bob.path, bob.body))[0] == 200
        yield admin, await signed_in(session, "bob", BOB), session


def group(name: str, *rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A rule group that is on."""
    about = {"name": name, "labels": {"alerting.kubesphere.io/enable": "true"}}
    return {"metadata": about, "spec": {"interval": "1s", **spec, "rules": list(rules)}}


def rule(alert: str, expr: str = "vector(1) > 0", **more: Any) -> dict[str, Any]:
    """A rule that warns."""
    return {"alert": alert, "expr": expr, "severity": "warning", "annotations": {"summary": "at {{ $value }}"}} | more


@pytest.mark.slow
async def test_rule_is_told_and_is_over() -> None:
    """A rule that is true fires, is told by mail and webhook, and both hear when it is switched off; the history tells
    when it was.
    """
    heard: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(orjson.loads(await request.read()))
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/alerts", take)
    async with TestServer(receiver) as server, standing() as (admin, _, _session):
        mail = {"metadata": {"name": "mail"}, "spec": {"email": {"to": ["ops@example.com"]}}}
        hook = {"metadata": {"name": "hook"}, "spec": {"webhook": {"url": str(server.make_url("/alerts"))}}}
        for body in (mail, hook):
            assert (await admin.ask("POST", f"{NOTE}/receivers", body))[0] == 200
        status, made = await admin.ask("POST", RULES, group("try", rule("TryAlert")))
        assert status == 201, made
        found = await admin.until(f"{READ}/alerts?state=firing", lambda answer: answer["totalItems"] == 1)
        alert = found["items"][0]
        assert (alert["labels"]["namespace"], alert["annotations"], alert["value"]) == (
            NS,
            {"summary": "at 1"},
            "1e+00",
        )
        mails = f"{LETTERS}?to=ops@example.com"
        await admin.until(mails, lambda answer: [one["state"] for one in answer["items"]] == ["sent"])
        off = {"metadata": {"labels": {"alerting.kubesphere.io/enable": "false"}}}
        status, answer = await admin.ask("PATCH", f"{RULES}/try", off)
        assert status == 200, answer
        await admin.until(f"{READ}/alerts", lambda answer: answer["totalItems"] == 0)
        letters = await admin.until(mails, lambda answer: [one["state"] for one in answer["items"]] == ["sent"] * 2)
        assert [one["subject"].split(":")[0] for one in letters["items"]] == ["[RESOLVED", "[FIRING"]
        async with asyncio.timeout(10):
            while len(heard) < 2:  # noqa: ASYNC110  # a server of another task
                await asyncio.sleep(0.02)
        assert [body["alerts"][0]["status"] for body in heard] == ["firing", "resolved"]
        past = (await admin.ask("GET", f"{OURS}/namespaces/{NS}/history"))[1]["items"]
        assert [(one["alert"], one["state"], one["workspace"]) for one in past] == [("TryAlert", "resolved", "demo-ws")]


@pytest.mark.slow
async def test_rights_and_refusals() -> None:
    """What is refused by its words, and who may nothing: neither an outsider nor nobody reads or writes rules, alerts,
    receivers and letters; a user has receivers of his own.
    """
    async with standing() as (admin, bob, session):
        bad = [
            (group("bad", rule("B", "sum(")), 403, "could not parse"),
            (group("bad", rule("B", "")), 403, "must be set for a RuleGroup"),
            (group("bad", rule("")), 403, "'alert' cannot be empty"),
            (group("bad", rule("B", labels={"a-b": "c"})), 403, "invalid label name"),
            (group("bad", rule("B", **{"for": "soon"})), 422, "should match"),
            (group("bad", rule("B"), interval="often"), 403, "invalid 'interval'"),
            (group("bad", rule("B", annotations={"summary": "{{ query `up` }}"})), 403, "not defined"),
            (group("bad", *[rule(f"B{n}") for n in range(41)]), 403, "exceeding the max count"),
            (group("bad", rule("B", {"not": "text"})), 422, "expr"),
            (group("Bad_Name", rule("B")), 422, "metadata.name"),
        ]
        for body, wanted, said in bad:
            status, answer = await admin.ask("POST", RULES, body)
            assert (status, said in answer["message"]) == (wanted, True), answer
        assert (await admin.ask("GET", RULES))[1]["items"] == []
        nobody = Client(session)
        paths = (RULES, f"{READ}/alerts", f"{READ}/rulegroups", f"{NOTE}/receivers", f"{NOTE}/users/admin/receivers")
        for path in (*paths, LETTERS, f"{OURS}/globalhistory", f"{OURS}/namespaces/{NS}/history"):
            assert (await bob.ask("GET", path))[0] == 403, path
            assert (await nobody.ask("GET", path))[0] in (401, 403), path
        assert (await bob.ask("POST", RULES, group("bobs", rule("B"))))[0] == 403
        mine = {
            "metadata": {"name": "bobs", "labels": {"type": "global"}},
            "spec": {"email": {"to": ["b@example.com"]}},
        }
        assert (await bob.ask("POST", f"{NOTE}/receivers", mine))[0] == 403
        status, made = await bob.ask("POST", f"{NOTE}/users/bob/receivers", mine)
        assert (status, made["metadata"]["labels"]) == (200, {"type": "tenant", "user": "bob"})
        assert (await admin.ask("GET", f"{NOTE}/receivers/bobs"))[0] == 400
        stolen = {"metadata": {"labels": {"type": "global", "user": None}}}
        assert (await bob.ask("PATCH", f"{NOTE}/users/bob/receivers/bobs", stolen))[0] == 400
