"""Following pods, events, namespaces and the audit trail: without loss and without doubles, whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from libs.shared.contracts.accounts_v1 import WorkspaceCreated, WorkspaceDeleted
from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Busy, Fault, Malformed
from libs.shared.event import Envelope
from libs.shared.kube.watch import What
from libs.shared.store.protocol import Unit
from services.logging import queries, reactions
from services.logging.domain.entry import EVENTS, LOGS, Kind
from services.logging.domain.wanted import EVERYTHING, Span
from services.logging.parts import Parts
from services.logging.tests.stage import Clusters, ask, line, logs, opened, placed, send, serving, uid_of
from services.logging.workers.audits import CHANNEL, follow_audits
from services.logging.workers.events import follow_events
from services.logging.workers.keeping import sweep
from services.logging.workers.pods import PODS, follow_pods
from services.logging.workers.spaces import NAMESPACES, watch_spaces

LOG = "/api/v1/namespaces/shop/pods/cart-0/log"
NOW = datetime.now(UTC)


@asynccontextmanager
async def working(parts: Parts, *runs: Callable[[Parts], Awaitable[None]]) -> AsyncIterator[None]:
    """These workers run while the block does; one that fails fails the test."""
    tasks = [asyncio.ensure_future(run(parts)) for run in runs]
    try:
        yield
    finally:
        failed = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert failed == []


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that real input and output brings about."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  # nothing in reach tells
            await asyncio.sleep(0.005)


async def number(parts: Parts, kind: Kind) -> int:
    """How many documents of this kind there are."""
    return (await parts.keeping.index.count(kind, EVERYTHING, Span()))[0]


def pod(*, ended: bool = False, restart: int = 0, name: str = "cart-0") -> dict[str, Any]:
    """A pod with one container that has begun."""
    state = {"terminated": {"exitCode": 0}} if ended else {"running": {}}
    status = {"name": "web", "restartCount": restart, "containerID": f"containerd://c{restart}", "state": state}
    metadata = {"uid": f"uid-{name}", "name": name, "namespace": "shop"}
    return {"metadata": metadata, "status": {"containerStatuses": [status]}}


def told(*texts: str, begin: int = 0) -> list[bytes | Fault]:
    """Lines as the kubelet tells them, a second apart."""
    return [f"2031-05-06T08:00:{begin + at:02}.000000001Z {text}".encode() for at, text in enumerate(texts)]


async def test_a_log_is_read_on_after_a_restart(tmp_path: Path) -> None:
    """A killed follower goes on from the last line that was kept: none is lost, none is there twice."""
    cluster = Clusters()
    cluster.logs[LOG, "web"] = [*told("one", "two", "two")]
    for more in ([], told("three", "", begin=3)):
        cluster.logs[LOG, "web"] += more
        async with opened(tmp_path, cluster, poll=0.01) as parts:
            cluster.feed(PODS, What.ADDED, **pod())
            expected = len(cluster.logs[LOG, "web"])
            async with working(parts, follow_pods):
                await until(partial(_reaches, parts, LOGS, expected))
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        assert await logs(client, "sort=asc") == ["one\n", "two\n", "two\n", "three\n", "\n"]
        assert await logs(client, "containers=web&pods=cart-0&namespaces=") == await logs(client, "")
    assert cluster.asked[-1][1]["sinceTime"] >= "2031-05-06T08:00:02Z"


async def _reaches(parts: Parts, kind: Kind, expected: int) -> bool:
    return await number(parts, kind) >= expected


@pytest.mark.parametrize(
    "fault", [Busy("cluster-down", "gone"), Malformed("cluster-bad-request", "is waiting to start")]
)
async def test_a_log_that_breaks_off(tmp_path: Path, fault: Fault) -> None:
    """It is read again from where it was, until the container has ended; the lines before are not doubled."""
    cluster = Clusters()
    cluster.logs[LOG, "web"] = [*told("one", "two"), fault, *told("three", begin=2)]
    async with opened(tmp_path, cluster, poll=0.01) as parts:
        cluster.feed(PODS, What.ADDED, **pod())
        async with working(parts, follow_pods):
            await until(lambda: _reaches(parts, LOGS, 3))
        assert await number(parts, LOGS) == 3


async def test_lives_of_a_container(tmp_path: Path) -> None:
    """A restarted container is another source; one that has ended is read once; a pod that is gone is left."""
    cluster = Clusters()
    cluster.logs[LOG, "web"] = [*told("before")]
    async with opened(tmp_path, cluster, poll=0.01) as parts, serving(parts) as (client, _):
        cluster.feed(PODS, What.ADDED, **pod(ended=True))
        async with working(parts, follow_pods):
            await until(lambda: _reaches(parts, LOGS, 1))
            cluster.logs[LOG, "web"] = [*told("after", begin=1)]
            cluster.feed(PODS, What.MODIFIED, **pod(restart=1))
            await until(lambda: _reaches(parts, LOGS, 2))
            cluster.feed(PODS, What.DELETED, **pod(restart=1))
        assert (await ask(client, "/logs?operation=statistics"))["statistics"] == {"containers": 2, "logs": 2}


async def test_streams_are_bounded(tmp_path: Path) -> None:
    """Of more containers than may be followed the others wait for their turn, and have it."""
    cluster = Clusters()
    for at in range(6):
        cluster.logs[f"/api/v1/namespaces/shop/pods/p-{at}/log", "web"] = [*told(f"line {at}")]
        cluster.feed(PODS, What.ADDED, **pod(ended=True, name=f"p-{at}"))
    async with opened(tmp_path, cluster, streams=2, poll=0.01) as parts, working(parts, follow_pods):
        await until(lambda: _reaches(parts, LOGS, 6))


def happened(version: str, count: int) -> dict[str, Any]:
    """An event as the cluster tells it."""
    return {
        "kind": "Event",
        "metadata": {"uid": "e", "resourceVersion": version, "managedFields": [{}], "name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "cart-0", "uid": "u"},
        "reason": "BackOff",
        "message": "again",
        "type": "Warning",
        "count": count,
        "lastTimestamp": "2031-05-06T08:00:00Z",
    }


async def test_events_of_the_cluster(tmp_path: Path) -> None:
    """Each update is a document; after a restart, when the cluster tells all again, it is the same one."""
    for _ in range(2):
        cluster = Clusters()
        cluster.feed("/api/v1/events", What.ADDED, **happened("1", 1))
        cluster.feed("/api/v1/events", What.MODIFIED, **happened("2", 2))
        cluster.feed("/api/v1/events", What.ADDED, metadata={}, reason="nonsense")
        async with opened(tmp_path, cluster) as parts, working(parts, follow_events):
            await until(partial(_reaches, parts, EVENTS, 2))
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        await placed(parts, {"shop": "orchard"})
        found = (await ask(client, "/events"))["query"]
        assert (found["total"], {record["count"] for record in found["records"]}) == (2, {1, 2})
        assert "managedFields" not in found["records"][0]["metadata"]


async def test_namespaces(tmp_path: Path) -> None:
    """What stands is known with its workspace and since when; what is gone is not, also when it went unseen."""
    cluster = Clusters()
    made = {"creationTimestamp": "2031-05-06T08:00:00Z", "labels": {"kubesphere.io/workspace": "orchard"}}
    cluster.feed(NAMESPACES, What.ADDED, metadata={"name": "shop", **made})
    cluster.feed(NAMESPACES, What.ADDED, metadata={"name": "lab", **made})
    cluster.feed(NAMESPACES, What.SYNCED)
    cluster.feed(NAMESPACES, What.DELETED, metadata={"name": "lab"})
    cluster.feed(NAMESPACES, What.ADDED, metadata={"name": "odd", "creationTimestamp": None})
    async with opened(tmp_path, cluster) as parts:
        await placed(parts, {"former": "orchard"})
        async with working(parts, watch_spaces):
            await until(lambda: _only(parts, "shop"))
        shop = parts.spaces.get("shop")
        assert shop
        assert (shop.workspace, shop.since) == ("orchard", 1935820800000)


async def _only(parts: Parts, name: str) -> bool:
    return [space.name for space in parts.spaces.all()] == [name]


def audited(number: int, **fields: Any) -> Envelope:
    """An audit record on the records channel."""
    made = AuditRecorded(audit_id=f"audit-{number}", user="bob", received_at=NOW, answered_at=NOW, count=1, **fields)
    return Envelope(
        id=f"audit-{number}",
        type=AuditRecorded.full_type(),
        source="/orrery/gateway",
        subject="audit/bob",
        time=NOW,
        data=made.model_dump_json(),
    )


async def test_the_audit_trail(tmp_path: Path) -> None:
    """What changed something is found, in the webhook's shape, of the workspace of its namespace; what is no record is
    left out; read again it is the same.
    """
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        await placed(parts, {"shop": "orchard"})
        broken = Envelope(**{**_fields(audited(9)), "id": "broken", "data": '{"code": "x"}'})
        create = {"verb": "create", "resource": "users", "name": "walter", "code": 201, "namespace": "shop"}
        reads = audited(3, verb="list", code=200)
        await parts.sources.records.publish([audited(1, **create), broken, audited(2, verb="get", code=403), reads])
        end = await parts.sources.records.end()
        for _ in range(2):
            async with working(parts, follow_audits):
                await until(lambda: _read_up_to(parts, end))
        (found,) = (await ask(client, "/auditing/events?verb_filter=create&objectref_resource_filter=users"))["query"][
            "records"
        ]
        assert (found["ObjectRef"]["Name"], found["Workspace"]) == ("walter", "orchard")
        assert (found["User"]["Username"], found["ResponseStatus"]["code"]) == ("bob", 201)


async def _read_up_to(parts: Parts, position: str) -> bool:
    return await queries.read_up_to(parts.store, CHANNEL) == position


def _fields(envelope: Envelope) -> dict[str, Any]:
    return {name: getattr(envelope, name) for name in ("id", "type", "source", "subject", "time", "data")}


async def test_workspaces_come_and_go(tmp_path: Path) -> None:
    """Told twice is the same; that a former one is gone, told late, takes nothing from the later one of its name."""
    async with opened(tmp_path) as parts:

        async def create(unit: Unit, uid: str) -> None:
            await reactions.note_workspace(unit, WorkspaceCreated(workspace="orchard", uid=uid))

        async def delete(unit: Unit, uid: str) -> None:
            await reactions.forget_workspace(unit, WorkspaceDeleted(workspace="orchard", uid=uid))

        for uid in (uid_of(1), uid_of(1), uid_of(2)):
            await parts.store.transact(create, uid)
        await parts.store.transact(delete, uid_of(1))
        assert await queries.workspaces(parts.store) == {"orchard": 2}
        for _ in range(2):
            await parts.store.transact(delete, uid_of(2))
        assert await queries.workspaces(parts.store) == {}


async def test_old_days_go(tmp_path: Path) -> None:
    """Days beyond those that are kept go, once nothing came for them in as long; and the oldest beyond the bytes."""
    async with opened(tmp_path, keep_days=2) as parts, serving(parts) as (client, _):
        old = (NOW - timedelta(days=9)).isoformat()
        await send(client, line("old", at=old), line("new", at=NOW.isoformat()))
        await sweep(parts)
        assert set(await logs(client, "")) == {"old", "new"}
        dropped = await parts.keeping.index.sweep(NOW.strftime("%Y-%m-%d"), NOW.timestamp() + 3600, 1 << 30)
        assert dropped == [("logs", old[:10])]
        assert await logs(client, "") == ["new"]
        assert len(await parts.keeping.index.sweep("", 0, 0)) == 1
        assert await logs(client, "") == []
        await send(client, line("anew", at=NOW.isoformat()))
        assert await logs(client, "") == ["anew"]
