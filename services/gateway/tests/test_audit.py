"""The audit trail: every request leaves a record, none tells a secret, and a full trail stops changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from libs.shared.bus.protocol import START, Message
from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Busy
from libs.shared.testing.clock import eventually
from services.gateway.domain.audit import Sampler, created_name
from services.gateway.parts.trail import Trail
from services.gateway.tests.conftest import Stage, staged
from services.gateway.tests.standin import IAM
from services.gateway.workers import tell_what_waits

MEMBERS = IAM + "/workspaces/a/workspacemembers"


async def told(stage: Stage) -> list[dict[str, Any]]:
    """What stands on the records bus, once nothing waits."""
    await eventually(lambda: not stage.parts.trail.waiting)
    page = await stage.parts.making.records.read(START, [AuditRecorded.full_type()], 1000)
    return [json.loads(m.envelope.data) for m in page.messages if isinstance(m, Message)]


async def test_every_request_leaves_a_record(stage: Stage) -> None:
    """Allowed, denied, unauthenticated and unreadable: who, what, where, how it was decided and answered."""
    secret = {"password": "P@ssw0rd-9"}
    await stage.ask("view", "GET", MEMBERS + "?limit=10&token=s3cret", headers={"User-Agent": "probe"})
    await stage.ask("out", "DELETE", MEMBERS + "/view")
    await stage.ask("admin", "POST", IAM + "/users", json=secret)
    await stage.ask("", "GET", IAM + "/users", headers={"Authorization": "Bearer s3cret"})
    await stage.raw("GET /kapis//x HTTP/1.1\nHost: x\nConnection: close\n\n")
    found = await told(stage)
    lines = [(r["user"], r["verb"], r["resource"], r["code"], r["decision"], r["count"]) for r in found]
    assert lines == [
        ("view", "list", "workspacemembers", 200, "allowed", 1),
        ("out", "delete", "workspacemembers", 403, "denied", 1),
        ("admin", "create", "users", 200, "allowed", 1),
        ("system:anonymous", "list", "users", 401, "unauthenticated", 1),
        ("system:anonymous", "", "", 400, "undecided", 1),
    ]
    first = found[0]
    assert (first["workspace"], first["scope"], first["source_ip"]) == ("a", "Workspace", "127.0.0.1")
    assert (first["path"], first["user_agent"]) == (MEMBERS, "probe")
    assert first["received_at"] <= first["answered_at"]
    text = json.dumps(found)
    assert "s3cret" not in text
    assert "P@ssw0rd-9" not in text


async def test_a_devops_project_is_no_namespace(stage: Stage) -> None:
    """Its records name it, and no cluster's namespace: one of that name may be in anybody's workspace."""
    await stage.ask("admin", "GET", "/kapis/devops.kubesphere.io/v1alpha3/namespaces/shop/pipelines/build")
    (found,) = await told(stage)
    assert (found["devops"], found.get("namespace", "")) == ("shop", "")


async def test_requests_of_nobody_are_counted(stage: Stage) -> None:
    """Anybody can make as many as he likes, so alike ones become one record with their number."""
    for _ in range(20):
        await stage.ask("", "GET", IAM + "/users")
    assert [r["count"] for r in await told(stage)] == [1]
    stage.parts.trail.close(stage.parts.clock.monotonic())
    assert [r["count"] for r in await told(stage)] == [1, 19]


def _made(**fields: Any) -> AuditRecorded:
    return AuditRecorded(user="system:anonymous", answered_at=datetime.now(UTC), count=1, **fields)


def test_the_sampler_is_bounded() -> None:
    """More kinds than are kept are counted together, and none is lost from the sum."""
    sampler = Sampler(10, 4)
    made = [_made(resource=f"r{i}") for i in range(50)]
    first = [r for r in (sampler.take(r, 0) for r in made) if r is not None]
    rest = sampler.due(5)
    assert rest == []
    rest = sampler.due(10)
    assert sum(r.count for r in first) + sum(r.count for r in rest) == 50
    assert len(first) + len(rest) <= 10


async def test_a_full_trail_stops_changes_and_nothing_else() -> None:
    """When records cannot be told, a change waits and is refused, and reading, sign-in and health go on."""
    async with staged(gateway_audit_queue=100, gateway_audit_wait=0.05) as stage:
        trail = stage.parts.trail
        for _ in range(100):
            await trail.take_room()
        with pytest.raises(Busy):
            await trail.take_room()
        code, body = await stage.ask("admin", "POST", IAM + "/users", json={})
        assert (code, body["reason"]) == (503, "ServiceUnavailable")
        assert "audit trail" in body["message"]
        assert (await stage.ask("admin", "GET", IAM + "/users"))[0] == 200
        assert (await stage.ask("", "POST", "/oauth/token"))[0] == 200
        for _ in range(100):
            await trail.leave()
        assert (await stage.ask("admin", "POST", IAM + "/users", json={}))[0] == 200


async def test_a_change_waits_for_room() -> None:
    """Room that comes in time lets the change through."""
    async with staged(gateway_audit_queue=100, gateway_audit_wait=5) as stage:
        for _ in range(100):
            await stage.parts.trail.take_room()
        asked = asyncio.create_task(stage.ask("admin", "POST", IAM + "/users", json={}))
        await asyncio.sleep(0.02)
        assert not asked.done()
        await stage.parts.trail.leave()
        assert (await asked)[0] == 200


async def test_what_waits_is_told_at_the_end(stage: Stage) -> None:
    """What is still counted or queued when the gateway closes is told then, in batches."""
    journal = stage.parts.journal
    settings = stage.parts.settings.model_copy(update={"audit_batch": 150})
    parts = replace(stage.parts, settings=settings, trail=Trail(Sampler(10, 10), journal, most=1000, wait=1))
    for i in range(400):
        parts.trail.put(_made(audit_id=f"a{i}").model_copy(update={"user": f"u{i}"}), 0, taken=False)
    for i in range(3):
        parts.trail.put(_made(audit_id=f"b{i}"), 0, taken=False)
    await tell_what_waits(parts)
    assert parts.trail.waiting == 0
    found = await told(stage)
    assert len(found) == 402
    assert [r["count"] for r in found[-2:]] == [1, 2]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"metadata": {"name": "bob"}}', "bob"),
        (b'{"name": "try", "url": "x"}', "try"),
        (b'{"metadata": {"name": 7}}', ""),
        (b'{"metadata": 7, "name": "x"}', ""),
        (b"[1]", ""),
        (b"no json", ""),
        (b'{"name": "' + b"x" * 999 + b'"}', "x" * 253),
    ],
)
def test_the_name_of_what_is_made(body: bytes, name: str) -> None:
    """The path of a creation names nothing: its body does. Whatever else it holds is not looked at."""
    assert created_name(body) == name
